//! Steps on a GPU, where there is one.

use crate::support::{Logits, Relu, attach, digits, start};
use ndarray::s;
use sinew::optim::Adam;
use sinew_runtime::{
    Compile, Device, Error, Model, Precision, Trainer,
    gpu::{GpuError, testing},
};

fn build(device: Device) -> Trainer<Relu> {
    let train = sinew::__private::train::<Relu>((sinew_runtime::Shared::new(start()),))
        .optimizer(Adam::new(0.01));
    train.device(device).build().unwrap()
}

#[test]
fn a_runner_shares_the_parameters() {
    let Some(device) = testing::device() else {
        return;
    };
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..32, ..]), y.slice(s![..32]));
    let mut trainer = build(device);
    let runner = attach::<Logits>(&trainer).unwrap();
    let before = runner.run(x).unwrap();
    trainer.step(x, y).unwrap();
    // Another batch size is another program on the same parameters.
    trainer
        .step(x.slice(s![..7, ..]), y.slice(s![..7]))
        .unwrap();
    assert_eq!(trainer.compiles(), 2);
    let after = runner.run(x).unwrap();
    assert_ne!(before, after);
    let on_cpu = Compile::<Logits>::new((sinew_runtime::Shared::new(trainer.model().unwrap()),));
    let expected = on_cpu.build().unwrap().run(x).unwrap();
    let difference = (&after - &expected).mapv(f32::abs);
    assert!(difference.iter().all(|d| *d < 1e-4), "{difference}");
    assert!(trainer.wgsl().unwrap().contains("@compute"));
    assert!(matches!(trainer.clif(), Err(Error::NoCode(_))));
}

#[test]
fn a_step_that_is_not_finite_changes_nothing() {
    let Some(device) = testing::device() else {
        return;
    };
    let (x, y) = digits();
    for size in [1e30, f64::NAN] {
        let mut model = start();
        model.visit_mut("", &mut |_, p| p.fill(size));
        let train = sinew::__private::train::<Relu>((sinew_runtime::Shared::new(model),))
            .optimizer(Adam::new(0.01))
            .check_finite(true);
        let mut trainer = train.device(device.clone()).build().unwrap();
        let error = trainer
            .step(x.slice(s![..8, ..]), y.slice(s![..8]))
            .unwrap_err();
        assert!(matches!(error, Error::Computed { .. }), "{error}");
        trainer.model().unwrap().visit("", &mut |_, p| {
            let narrow = size as f32;
            assert!(p.values().iter().all(|v| v.to_bits() == narrow.to_bits()));
        });
    }
}

/// The arena grows and stays; every size binds it anew, and what the CPU computes comes out.
#[test]
fn sizes_work_in_one_arena() {
    let Some(device) = testing::device() else {
        return;
    };
    let (x, y) = digits();
    let (mut on_gpu, mut on_cpu) = (build(device), build(Device::cpu()));
    for rows in [7, 32, 1, 64, 7, 32, 64, 1] {
        let (x, y) = (x.slice(s![..rows, ..]), y.slice(s![..rows]));
        let found = on_gpu.step(x, y).unwrap().loss;
        let expected = on_cpu.step(x, y).unwrap().loss;
        assert!(
            (found - expected).abs() < 1e-4 * expected.abs(),
            "{rows} rows: {found} for {expected}"
        );
    }
    assert_eq!(on_gpu.cache_stats().programs, 4);
    let memory = on_gpu.memory().unwrap();
    assert!(memory.contains("kept     for larger arguments"), "{memory}");
}

#[test]
fn runners_on_one_gpu_share_programs() {
    let Some(device) = testing::device() else {
        return;
    };
    let (x, _) = digits();
    let x = x.slice(s![..5, ..]);
    let runner = |scale: f64| {
        let mut model = start();
        model.out[0].fill(scale);
        let compile =
            Compile::<Logits>::new((sinew_runtime::Shared::new(model),)).device(device.clone());
        compile.build().unwrap()
    };
    let (one, other) = (runner(1.0), runner(0.0));
    let first = one.run(x).unwrap();
    assert_ne!(other.run(x).unwrap(), first);
    assert_eq!(one.run(x).unwrap(), first);
    let (one, other) = (one.cache_stats(), other.cache_stats());
    assert_eq!((one.compiles, one.hits), (1, 1));
    assert_eq!((other.compiles, other.shared), (0, 1));
}

#[test]
fn f64_is_refused() {
    let Some(device) = testing::device() else {
        return;
    };
    let train = sinew::__private::train::<Relu>((sinew_runtime::Shared::new(start()),))
        .device(device)
        .precision(Precision::F64);
    match train.build() {
        Err(error) => assert!(
            error.to_string().contains("computes in f32 only"),
            "{error}"
        ),
        Ok(_) => panic!("a GPU has no f64"),
    }
}

#[test]
fn a_program_of_one_kernel_runs() {
    let Some(device) = testing::device() else {
        return;
    };
    let compile = Compile::<crate::binding::Negated>::new(()).device(device);
    let runner = compile.build().unwrap();
    let memory = |m: String| m.contains("           0 bytes  written  arena");
    for x in [vec![1.0f32], vec![2.0, -3.0], vec![0.5; 100]] {
        let negated: Vec<f32> = x.iter().map(|v| -v).collect();
        assert_eq!(runner.run(&x).unwrap().to_vec(), negated);
        assert!(memory(runner.memory().unwrap()));
    }
}

/// Elements that repeat, so that no memory is needed for them.
#[test]
fn a_tensor_past_the_limits_is_refused() {
    use crate::binding::Negated;
    use ndarray::ArrayView1;
    let Some(device) = testing::device() else {
        return;
    };
    let limit = testing::gpu().unwrap().limits().binding_bytes;
    let elements = usize::try_from(limit / 4 + 1).unwrap();
    let one = [1.0f32];
    let x = ArrayView1::from(&one);
    let x = x.broadcast(elements).unwrap();
    let compile = Compile::<Negated>::new(()).device(device);
    let error = compile.build().unwrap().run(x).unwrap_err();
    assert!(matches!(error, Error::Gpu(_)), "{error}");
    assert!(error.to_string().contains(&limit.to_string()), "{error}");
}

/// Whether an error says that the GPU was lost.
fn lost<T>(result: Result<T, Error>) {
    match result {
        Err(Error::Gpu(GpuError::Lost { .. })) => {}
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("there is no device"),
    }
}

#[test]
fn a_device_that_is_lost_is_told_by_every_call() {
    let Some(device) = testing::device() else {
        return;
    };
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..8, ..]), y.slice(s![..8]));
    let mut trainer = build(device.clone());
    let runner = attach::<Logits>(&trainer).unwrap();
    trainer.step(x, y).unwrap();
    runner.run(x).unwrap();
    let saved = trainer.model().unwrap();
    testing::lose(&device);
    lost(trainer.step(x, y));
    lost(runner.run(x));
    // Sizes that are to be compiled first.
    let (fewer_x, fewer_y) = (x.slice(s![..3, ..]), y.slice(s![..3]));
    lost(trainer.step(fewer_x, fewer_y));
    lost(runner.run(fewer_x));
    lost(trainer.model());
    lost(trainer.gradients());
    lost(
        Compile::<Logits>::new((sinew_runtime::Shared::new(saved.clone()),))
            .device(device.clone())
            .build(),
    );
    lost(
        sinew::__private::train::<Relu>((sinew_runtime::Shared::new(saved.clone()),))
            .device(device.clone())
            .build(),
    );
    let other = attach::<Logits>(&trainer).and_then(|other| other.run(x));
    lost(other);
    // What was read before goes on elsewhere, and another device can be opened.
    let again = Compile::<Logits>::new((sinew_runtime::Shared::new(saved.clone()),))
        .build()
        .unwrap();
    again.run(x).unwrap();
    let another = Compile::<Logits>::new((sinew_runtime::Shared::new(saved),))
        .device(testing::device().unwrap());
    another.build().unwrap().run(x).unwrap();
}

/// A device that goes while steps are under way on another thread.
#[test]
fn a_device_that_is_lost_meanwhile_is_told() {
    let Some(device) = testing::device() else {
        return;
    };
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..64, ..]), y.slice(s![..64]));
    let mut trainer = build(device.clone());
    trainer.step(x, y).unwrap();
    let (sender, stepped) = std::sync::mpsc::channel();
    std::thread::scope(|threads| {
        let steps = threads.spawn(move || {
            loop {
                match trainer.step(x, y) {
                    Ok(_) => drop(sender.send(())),
                    Err(error) => return (error, trainer.model()),
                }
            }
        });
        for _ in 0..3 {
            stepped.recv().unwrap();
        }
        testing::lose(&device);
        let (error, model) = steps.join().expect("no panic");
        lost(Err::<(), _>(error));
        lost(model);
    });
}
