//! A step allocates nothing once its program is compiled.
#![cfg(feature = "cpu")]
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "step/support.rs"]
#[allow(dead_code, reason = "shared with the tests of steps")]
mod support;

use ndarray::s;
use sinew::optim::{AdamW, Sgd};
use sinew_ir::Unit;
use sinew_runtime::{Arg, Compile, Float, ModelFunction, Out, Param, Precision, Rank};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::{Logits, Relu, attach, build, digits};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting this thread's calls.
struct Counting;

// SAFETY: passes every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|c| c.set(c.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.with(|c| c.set(c.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(mut call: impl FnMut()) -> u64 {
    let before = COUNT.with(Cell::get);
    call();
    COUNT.with(Cell::get) - before
}

#[test]
fn steps_allocate_nothing() {
    let (x, y) = digits();
    let narrow = x.mapv(|v| v as f32);
    let (x, narrow, y) = (
        x.slice(s![..32, ..]),
        narrow.slice(s![..32, ..]),
        y.slice(s![..32]),
    );
    for (check, threads) in [(false, 1), (true, 1), (false, 2), (true, 3)] {
        let mut trainer =
            sinew::__private::train::<Relu>((sinew_runtime::Shared::new(support::start()),))
                .optimizer(AdamW::new(0.01).clip_grad_norm(1.0))
                .check_finite(check)
                .threads(threads)
                .least_share(0)
                .build()
                .unwrap();
        trainer.step(narrow, y).unwrap();
        let steps = || {
            for _ in 0..100 {
                trainer.step(narrow, y).unwrap();
            }
        };
        assert_eq!(allocations(steps), 0);
        // Converted arguments: the staging memory comes with the first one.
        trainer.step(x, y).unwrap();
        assert_eq!(allocations(|| assert!(trainer.step(x, y).is_ok())), 0);
    }
}

/// Sixty arguments: more than lie where a call is, and so do the regions of their program.
enum Many {}

macro_rules! many {
    ($($n:literal)*) => {
        concat!(
            "fn @many<N>(%m: Vec { 0: param float[] }", $(", %a", $n, ": float[N]",)* ") -> float[] {\n",
            "  %61 = sum %a0 axes [0]\n  %62 = sum %a59 axes [0]\n  %63 = sub %62, %61\n",
            "  %64 = mul %m.0, %63\n  return %64\n}\n",
        )
    };
}

impl ModelFunction for Many {
    type Models = (Vec<Param>,);
    type Inputs = ([Arg<Float, Rank<1>>; 60],);
    type Output = Out<Float, Rank<0>>;
    const UNIT: &'static Unit = &Unit {
        path: "many",
        file: "allocation.rs",
        text: many!(
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29
            30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59
        ),
        callees: &[],
        consts: &[],
    };
}

#[test]
fn many_arguments_allocate_nothing_either() {
    let mut weight = Param::zeros(&[]);
    weight.fill(1.0);
    let model = sinew_runtime::Shared::new(vec![weight]);
    let mut trainer = sinew::__private::train::<Many>((model.clone(),))
        .optimizer(Sgd::new(0.5))
        .build()
        .unwrap();
    let runner = Compile::<Many>::new((model,)).build().unwrap();
    let arguments: Vec<[f32; 2]> = (0..60).map(|n| [n as f32, 1.0]).collect();
    let arguments: [&[f32]; 60] = std::array::from_fn(|n| &arguments[n][..]);
    // Each step takes half of 59, the gradient, off the weight.
    assert_eq!(trainer.step(arguments).unwrap().loss, 59.0);
    assert_eq!(runner.run(arguments).unwrap(), 59.0 * (1.0 - 29.5));
    assert_eq!(allocations(|| assert!(trainer.step(arguments).is_ok())), 0);
    // A run allocates its result.
    assert_eq!(allocations(|| assert!(runner.run(arguments).is_ok())), 1);
}

#[test]
fn runs_allocate_their_result_only() {
    let (x, _) = digits();
    let x = x.slice(s![..32, ..]);
    let trainer = build::<Relu>(AdamW::new(0.01), Precision::F64);
    let runner = attach::<Logits>(&trainer).unwrap();
    runner.run(x).unwrap();
    assert_eq!(allocations(|| drop(runner.run(x).unwrap())), 1);
}
