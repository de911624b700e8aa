//! What a process that trains takes of memory is what `memory()` says it is: its peak, without that of a process that
//! does the same with a model of next to nothing, and so has as much of this program and of its compiler in memory.
#![cfg(all(feature = "cpu", target_os = "linux"))]

use ndarray::Array2;
use sinew::prelude::*;
use std::process::Command;

/// 6.3 million parameters, and as many gradients and twice as many numbers of Adam's: 101 MB.
const WIDTH: usize = 1448;
const BATCH: usize = 256;

#[model]
struct Net<Width> {
    first: Linear<Width, Width>,
    second: Linear<Width, Width>,
    third: Linear<Width, Width>,
}

#[model]
fn loss<B, Width>(m: &Net<Width>, x: Tensor<B, Width>) -> Tensor {
    let x = m.first.forward(x).relu();
    m.third.forward(m.second.forward(x).tanh()).square().mean()
}

/// What the process is to do, where it is one of those that are measured.
const WORK: &str = "SINEW_TEST_PEAK";

/// The most memory that this process has had so far, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let words = line.expect("a peak").split_whitespace().next();
    1024 * words.expect("a number").parse::<usize>().expect("a number")
}

/// Makes a trainer of a width and does some steps; gives the bytes that this takes by the plan, or without steps
/// those of the model twice: as it came, and where steps find it.
fn train(width: usize, steps: usize) -> sinew::Result<usize> {
    let net = Net::init(&NetConfig { Width: width }, 1)?;
    let mut train = loss::train(net).optimizer(Adam::new(1e-3)).build()?;
    let x = Array2::<f32>::from_elem((BATCH, width), 0.5);
    for _ in 0..steps {
        train.step(&x)?;
    }
    if steps == 0 {
        return Ok(2 * 4 * 3 * width * (width + 1));
    }
    let memory = train.memory()?;
    println!("{memory}");
    let all = memory.lines().find(|l| l.ends_with("in all"));
    let bytes = all.and_then(|l| l.split_whitespace().next());
    Ok(bytes.expect("all of it").parse().expect("a number"))
}

/// Trains in a process of its own, and gives what that takes by the plan and its peak.
fn measured(width: usize, steps: usize) -> [usize; 2] {
    let own = std::env::current_exe().expect("this program");
    let name = "peak::a_process_takes_the_memory_that_is_told";
    let output = Command::new(own)
        .args([name, "--exact", "--nocapture"])
        .env(WORK, format!("{width} {steps}"))
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{wrong}");
    println!("{said}");
    let numbers = said.lines().find_map(|l| l.strip_prefix("measured "));
    two(numbers.expect("something was measured"))
}

fn two(numbers: &str) -> [usize; 2] {
    let mut numbers = numbers.split(' ').map(|n| n.parse().expect("a number"));
    [(); 2].map(|()| numbers.next().expect("two of them"))
}

#[test]
fn a_process_takes_the_memory_that_is_told() -> sinew::Result<()> {
    if let Ok(work) = std::env::var(WORK) {
        let [width, steps] = two(&work);
        let told = train(width, steps)?;
        println!("measured {told} {}", peak());
        return Ok(());
    }
    // A trainer that is only made holds the model twice on the way, and one that trains what its plan says.
    for steps in [0, 2] {
        let [little_told, little] = measured(8, steps);
        let [told, peak] = measured(WIDTH, steps);
        let (told, taken) = (told - little_told, peak - little);
        assert!(
            taken.abs_diff(told) * 10 <= told,
            "{steps} steps: {taken} bytes were taken and {told} told, beside {little} of a small model"
        );
    }
    Ok(())
}
