//! The generator of random words on the GPU, against its published vectors.

use sinew_ir::DType;
use sinew_runtime::gpu::GpuSession;
use sinew_testing::{generator, published};

use crate::programs::filled;
use crate::programs_support::{bytes, values};
use crate::support::{Tolerance, device, run};

#[test]
fn the_generator_gives_its_published_vectors() {
    let Some(device) = device() else { return };
    let function = generator(3).expect("words");
    let (inputs, expected) = published();
    let mut filled = filled(&function);
    for (memory, words) in filled.memory.iter_mut().skip(1).zip(&inputs) {
        *memory = bytes(words, DType::U32);
    }
    filled.check(device, Tolerance::F32);
    let mut program = GpuSession::compile(device, &filled.schedule).expect("a program");
    let memory = run(&mut program, &filled.memory);
    for (memory, words) in memory.iter().skip(1 + inputs.len()).zip(&expected) {
        assert_eq!(values(memory, DType::U32), *words);
    }
}
