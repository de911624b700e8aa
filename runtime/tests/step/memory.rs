//! Memory that the system does not give, in a process of its own that may have little: an error each
//! time, and everything is as it was.

use crate::support::attach;
use crate::text::{Row, Scalar, text_function};
use ndarray::{Array2, ArrayView1};
use sinew::optim::{Adam, Sgd};
use sinew_runtime::{Compile, Error, Float, Model, Out, Param, Rank};

/// Elements of the large parameters, and their bytes in f32.
const LARGE: usize = 4 << 20;
const BYTES: usize = 4 * LARGE;

text_function!(
    Weighed(Row),
    (Vec<Param>,),
    Scalar,
    "weighed",
    "fn @weighed<N>(%m: Vec { 0: param float[N] }, %x: float[1]) -> float[] {
  %2 = reshape %x shape []
  %3 = broadcast %2 shape [N] new [0]
  %4 = mul %m.0, %3
  %5 = sum %4 axes [0]
  return %5
}
pullback(%6: float[]) {
  %7 = broadcast %6 shape [N] new [0]
  %8 = mul %7, %3
  return %m.0: %8
}
"
);

text_function!(
    Repeated(Row),
    (),
    Out<Float, Rank<2>>,
    "repeated",
    "fn @repeated<N>(%x: float[N]) -> float[N, 4096] {
  %1 = broadcast %x shape [N, 4096] new [1]
  return %1
}
"
);

/// Blocks of memory that nobody uses, until there is no more.
struct Ballast(Vec<Vec<u8>>);

impl Ballast {
    /// A block; there is as much room beside the ballast, or a little less, once it has all others.
    const BLOCK: usize = 2 << 20;

    /// Takes what there is, but for about `bytes`.
    fn leave(&mut self, bytes: usize) {
        loop {
            let mut block = Vec::new();
            match block.try_reserve_exact(Ballast::BLOCK) {
                Ok(()) => self.0.push(block),
                Err(_) => break,
            }
        }
        self.0.truncate(self.0.len() - bytes / Ballast::BLOCK);
    }

    fn release(&mut self) {
        self.0.clear();
    }
}

fn no_memory<T>(result: Result<T, Error>) {
    match result {
        Err(Error::OutOfMemory { .. } | Error::TooLarge { .. }) => {}
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("there is memory"),
    }
}

fn large() -> Vec<Param> {
    let mut param = Param::zeros(&[LARGE]);
    param.fill(1.0);
    vec![param]
}

/// Whether it has its elements.
fn is_whole(model: &[Param]) -> bool {
    model[0].elements() == LARGE
}

fn parameters(ballast: &mut Ballast) {
    let mut model = large();
    let one = [0.1f64];
    let many = ArrayView1::from(&one);
    let many = many.broadcast(LARGE).unwrap();
    ballast.leave(BYTES / 2);
    assert!(!is_whole(&model.clone()));
    assert!(!is_whole(&[Param::zeros(&[LARGE])]));
    no_memory(
        sinew::__private::train::<Weighed>((sinew_runtime::Shared::new(model.clone()),)).build(),
    );
    assert_eq!(
        (model[0].values().len(), model[0].values_f64().len()),
        (0, 0)
    );
    no_memory(model[0].set(many));
    assert!(is_whole(&model));
    model[0].fill(2.0);
    assert!(is_whole(&model));
    model[0].fill(0.1);
    assert!(!is_whole(&model));
    ballast.release();
}

fn building(ballast: &mut Ballast) {
    ballast.leave(BYTES / 2);
    ballast.release();
    for left in [BYTES / 2, BYTES + BYTES / 2, 3 * BYTES] {
        let model = large();
        ballast.leave(left);
        no_memory(
            sinew::__private::train::<Weighed>((sinew_runtime::Shared::new(model),))
                .optimizer(Adam::new(0.1))
                .build(),
        );
        ballast.release();
    }
    let model = large();
    ballast.leave(BYTES / 2);
    no_memory(Compile::<Weighed>::new((sinew_runtime::Shared::new(model),)).build());
    ballast.release();
}

fn trained_models(ballast: &mut Ballast) {
    let train = sinew::__private::train::<Weighed>((sinew_runtime::Shared::new(large()),))
        .optimizer(Sgd::new(0.5));
    let mut trainer = train.build().unwrap();
    let runner = attach::<Weighed>(&trainer).unwrap();
    trainer.step([1.0]).unwrap();
    ballast.leave(BYTES / 2);
    no_memory(trainer.model());
    no_memory(trainer.gradients());
    trainer.step([1.0]).unwrap();
    assert_eq!(runner.run([1.0]).unwrap(), 0.0);
    ballast.release();
    assert!(
        trainer.model().unwrap()[0]
            .values()
            .iter()
            .all(|v| *v == 0.0)
    );
}

fn files(ballast: &mut Ballast) {
    let folder = std::env::temp_dir().join(format!("sinew-{}-memory", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let (file, other) = (folder.join("model"), folder.join("other"));
    let mut model = large();
    model.save(&file).unwrap();
    for left in [BYTES / 2, BYTES + BYTES / 2] {
        ballast.leave(left);
        no_memory(model.save(&other));
        assert!(!other.exists());
        match model.load_into(&file) {
            Err(Error::OutOfMemory { .. } | Error::File { .. }) => {}
            Err(error) => panic!("another error: {error}"),
            Ok(()) => panic!("there is memory"),
        }
        ballast.release();
    }
    model.load_into(&file).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

fn results(ballast: &mut Ballast) {
    let runner = Compile::<Repeated>::new(()).build().unwrap();
    let rows: Vec<f32> = vec![1.0; 1024];
    let sum: f32 = runner.run(&rows).unwrap().sum();
    assert_eq!(sum, 1024.0 * 4096.0);
    ballast.leave(BYTES / 2);
    no_memory(runner.run(&rows));
    no_memory(runner.run_f64(&rows));
    no_memory(runner.run(vec![1.0; 2048]));
    ballast.release();
    let again: Array2<f32> = runner.run(&rows).unwrap();
    assert_eq!(again.sum(), sum);
}

fn the_interpreter(ballast: &mut Ballast) {
    let mut model = large();
    model[0].fill(f64::from(f32::MAX));
    let train =
        sinew::__private::train::<Weighed>((sinew_runtime::Shared::new(model),)).check_finite(true);
    let mut trainer = train.build().unwrap();
    trainer.prepare([1.0]).unwrap();
    // What the ballast leaves lies in several places, since threads have stacks between them.
    for left in [BYTES / 2, 6 * BYTES] {
        ballast.leave(left);
        match trainer.step([1.0]) {
            Err(Error::OutOfMemory { what, bytes }) => assert!(left < 2 * BYTES, "{what} {bytes}"),
            Err(Error::Computed { origin, .. }) => {
                assert!(left > 2 * BYTES && origin.contains("no memory"), "{origin}");
            }
            Err(other) => panic!("another error: {other}"),
            Ok(_) => panic!("the sum is infinite"),
        }
        ballast.release();
    }
}

/// Runs a test of this file again, in a process that may have so much memory, used or not: the shell's
/// limit counts both. Inside, `work` is done.
#[cfg(target_os = "linux")]
fn with_little_memory(test: &str, kilobytes: usize, work: impl FnOnce(&mut Ballast)) {
    const INSIDE: &str = "SINEW_TEST_WITH_LITTLE_MEMORY";
    if std::env::var_os(INSIDE).is_some() {
        return work(&mut Ballast(Vec::new()));
    }
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -v {kilobytes} && exec \"$0\" \"$@\""),
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("memory::{test}"), "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{}\n{text}{errors}",
        output.status
    );
}

#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_an_error() {
    with_little_memory("too_little_memory_is_an_error", 1 << 20, |ballast| {
        parameters(ballast);
        building(ballast);
        trained_models(ballast);
        files(ballast);
        results(ballast);
        the_interpreter(ballast);
    });
}

/// A software driver's memory is the process's. A driver with memory of its own has nothing to say here.
#[cfg(all(target_os = "linux", feature = "gpu"))]
#[test]
fn too_little_memory_of_a_gpu_is_an_error() {
    use sinew_runtime::gpu::{GpuError, testing};
    let Some(device) = testing::device() else {
        return;
    };
    if !device.name().contains("llvmpipe") {
        return testing::skipped("the GPU has memory of its own");
    }
    drop(device);
    let test = "too_little_memory_of_a_gpu_is_an_error";
    with_little_memory(test, 4 << 20, |ballast| {
        let device = testing::device().unwrap();
        let build = |model| {
            let train = sinew::__private::train::<Weighed>((sinew_runtime::Shared::new(model),))
                .optimizer(Adam::new(0.1));
            train.device(device.clone()).build()
        };
        let mut trainer = build(large()).unwrap();
        trainer.step([1.0]).unwrap();
        // More than drivers take at once to have some in reserve, in blocks that a device still binds.
        const HUGE: usize = 31 << 20;
        for left in [0, BYTES, 4 * BYTES] {
            let model = vec![Param::zeros(&[HUGE])];
            ballast.leave(left);
            match build(model) {
                Err(Error::Gpu(GpuError::OutOfMemory { .. }) | Error::OutOfMemory { .. }) => {}
                Err(other) => panic!("another error: {other}"),
                Ok(_) => panic!("there is memory"),
            }
            ballast.release();
        }
        // The device and what is on it are there as before.
        trainer.step([1.0]).unwrap();
        assert!(is_whole(&trainer.model().unwrap()));
        build(large()).unwrap().step([1.0]).unwrap();
    });
}
