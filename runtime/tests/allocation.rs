//! A step allocates nothing once its program is compiled.
#![cfg(feature = "cpu")]
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "step/support.rs"]
#[allow(dead_code, reason = "shared with the tests of steps")]
mod support;

use ndarray::s;
use sinew_runtime::{AdamW, Precision};
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
    for check in [false, true] {
        let mut trainer =
            sinew_runtime::Train::<Relu>::new((sinew_runtime::Shared::new(support::start()),))
                .optimizer(AdamW::new(0.01).clip_grad_norm(1.0))
                .check_finite(check)
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

#[test]
fn runs_allocate_their_result_only() {
    let (x, _) = digits();
    let x = x.slice(s![..32, ..]);
    let trainer = build::<Relu>(AdamW::new(0.01), Precision::F64);
    let mut runner = attach::<Logits>(&trainer).unwrap();
    runner.run(x).unwrap();
    assert_eq!(allocations(|| drop(runner.run(x).unwrap())), 1);
}
