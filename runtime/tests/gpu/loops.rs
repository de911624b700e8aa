//! Programs with loops against their unrolled forms.

use sinew_codegen::cost::Target;
use sinew_codegen::kernel::RegionId;
use sinew_codegen::schedule::{Part, schedule};
use sinew_ir::{Array, DType, simplify};
use sinew_runtime::gpu::{Gpu, GpuSession};
use sinew_testing::{LoopCase, TRIPS, loop_cases, loop_specs};

use crate::programs_support::{bytes, separate, values};
use crate::support::device;

/// What the device computes for a case, which starts with garbage in its results.
fn run(device: &Gpu, case: &LoopCase) -> Vec<Array> {
    let mut function = case.function.clone();
    simplify(&mut function);
    let (regions, inputs, outputs) = separate(&function);
    let part = Part {
        name: "test",
        program: &function,
        inputs,
        outputs: outputs.clone(),
    };
    let schedule = schedule(&[part], regions, Target::Gpu).expect("schedules");
    let mut program = GpuSession::compile(device, &schedule).expect("a program");
    for (at, input) in (1u32..).zip(&case.inputs) {
        program
            .write_region(RegionId(at), 0, &bytes(&input.data, input.dtype))
            .expect("uploads");
    }
    for place in &outputs {
        let size = schedule.regions[place.region.0 as usize].bytes;
        program
            .write_region(place.region, 0, &vec![0xA5; size])
            .expect("uploads");
    }
    program.run().expect("runs");
    let result = |(place, value): (&sinew_codegen::schedule::RegionOffset, &sinew_ir::Value)| {
        let mut found = vec![0; schedule.regions[place.region.0 as usize].bytes];
        program
            .read_region(place.region, 0, &mut found)
            .expect("reads");
        let ty = function.type_of(*value);
        let shape = ty.shape.extents().expect("linked");
        Array::new(ty.dtype, &shape, values(&found, ty.dtype)).expect("as many elements")
    };
    let places = outputs.iter().zip(&function.body.results);
    places.map(result).collect()
}

#[test]
fn loops_compute_what_their_unrolled_forms_do() {
    let Some(device) = device() else { return };
    for spec in loop_specs() {
        for trip in TRIPS {
            let (looped, unrolled) = (spec.looped(), spec.unrolled(trip));
            let cases = loop_cases(&spec.name, looped, unrolled, trip, DType::F32);
            for case in cases.unwrap_or_else(|e| panic!("{}: {e}", spec.name)) {
                let difference = case.difference(&run(device, &case), 1e-5);
                assert_eq!(difference, None, "{}", case.function);
            }
        }
    }
}
