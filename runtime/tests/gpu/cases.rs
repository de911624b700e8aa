//! Operations, layers and losses with their gradients against PyTorch's values.

use std::path::Path;
use std::sync::Mutex;

use sinew_codegen::cost::Target;
use sinew_codegen::schedule::{Part, schedule};
use sinew_ir::DType;
use sinew_runtime::gpu::{Gpu, GpuSession};
use sinew_testing::{Case, CaseProgram, difference, read};

use crate::programs_support::{bytes, separate, values};
use crate::support::on_devices;

/// What differs, in words.
fn run(device: &Gpu, case: &Case, expected: &CaseProgram) -> Vec<String> {
    let function = &expected.function;
    let (regions, inputs, outputs) = separate(function);
    let part = Part {
        name: "test",
        program: function,
        inputs,
        outputs: outputs.clone(),
    };
    let schedule = schedule(&[part], regions, Target::Gpu).expect("schedules");
    let mut program = GpuSession::compile(device, &schedule).expect("a program");
    for ((at, input), value) in expected.inputs.iter().enumerate().zip(&function.values) {
        let id = sinew_codegen::kernel::RegionId(at as u32 + 1);
        program
            .write_region(id, 0, &bytes(&input.data, value.dtype))
            .expect("uploads");
    }
    program.run().expect("runs");
    let mut wrong = Vec::new();
    for (at, (place, expected)) in outputs.iter().zip(&expected.expected).enumerate() {
        let size = schedule.regions[place.region.0 as usize].bytes;
        let mut found = vec![0; size];
        program
            .read_region(place.region, 0, &mut found)
            .expect("reads");
        let mut array = expected.clone();
        array.data = values(&found, function.type_of(function.body.results[at]).dtype);
        // Sums and differences are as exact as the largest numbers in them: the cotangents, drawn
        // from -1 to 1, may cancel to next to nothing in a gradient.
        let largest = expected.data.iter().filter(|x| x.is_finite());
        let scale = largest.fold(1.0f64, |m, x| m.max(x.abs()));
        if let Some(what) = difference(&array, expected, 1e-5, 2e-6 * scale) {
            wrong.push(format!("{}, result {at}: {what}", case.name));
        }
    }
    wrong
}

#[test]
fn programs_give_pytorchs_values_and_gradients() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data");
    let cases = read(&folder).expect("the cases");
    let wrong = Mutex::new(Vec::new());
    on_devices(&cases, |device, case| {
        if let Some(program) = case.program(DType::F32).expect("a program") {
            let found = run(device, case, &program);
            wrong.lock().expect("no test panicked").extend(found);
        }
    });
    let wrong = wrong.into_inner().expect("no test panicked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
