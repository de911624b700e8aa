//! Matrix products of Sinew beside the crate `gemm` and, given a command that answers for it, another peer: GFLOP/s by
//! shape, which operands are transposed, element type and threads, each the best of several turns that the
//! three take one after the other.
//!
//! ```text
//! cargo run --release                                        # Sinew and gemm
//! cargo run --release -- python torch_products.py            # and PyTorch
//! ```
//!
//! The peer reads lines `m k n NN f32 threads` and answers each with the least seconds of such a product.

mod ours;
mod peer;
mod theirs;

use ours::Ours;
use peer::Peer;
use std::time::{Duration, Instant};

/// Rows, contracted, columns.
const SHAPES: [[usize; 3]; 21] = [
    [8, 8, 8],
    [16, 16, 16],
    [32, 32, 32],
    [32, 64, 10],
    [32, 64, 64],
    [33, 65, 17],
    [64, 64, 64],
    [100, 100, 100],
    [128, 128, 128],
    [128, 512, 10],
    [128, 784, 512],
    [256, 256, 256],
    [512, 128, 512],
    [512, 512, 512],
    [784, 128, 512],
    [1024, 1024, 1024],
    [2048, 128, 512],
    [2048, 384, 1536],
    [256, 1024, 4096],
    [256, 4096, 4096],
    [512, 16384, 512],
];

/// Which operand lies transposed in memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// None.
    Plain,
    /// The left one.
    Left,
    /// The right one.
    Right,
}

impl Layout {
    const ALL: [Layout; 3] = [Layout::Plain, Layout::Left, Layout::Right];

    fn name(self) -> &'static str {
        match self {
            Layout::Plain => "NN",
            Layout::Left => "TN",
            Layout::Right => "NT",
        }
    }
}

/// One product.
#[derive(Clone, Copy)]
pub struct Product {
    /// Rows, contracted, columns.
    pub shape: [usize; 3],
    /// How its operands lie.
    pub layout: Layout,
    /// How many threads it may take.
    pub threads: usize,
}

/// Turns of each.
const TURNS: usize = 3;
/// The time of a turn.
const TURN: Duration = Duration::from_millis(40);

/// The least seconds of a call, within a turn's time.
fn least(call: &mut dyn FnMut()) -> f64 {
    let (began, mut best, mut calls) = (Instant::now(), f64::INFINITY, 1u32);
    while began.elapsed() < TURN {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        let took = start.elapsed().as_secs_f64();
        best = best.min(took / f64::from(calls));
        if took < 2e-5 {
            calls *= 2;
        }
    }
    best
}

fn row<T: theirs::Element>(product: Product, peer: &mut Option<Peer>) -> Result<(), String> {
    let [m, k, n] = product.shape;
    let values = |count: usize| -> Vec<T> {
        (0..count)
            .map(|i| T::of((i * 7 % 17) as f64 * 0.1 - 0.8))
            .collect()
    };
    let (a, b) = (values(m * k), values(k * n));
    let mut ours = Ours::new::<T>(product)?;
    let mut theirs = theirs::Theirs::new(product, &a, &b);
    ours.fill(&a, &b);
    let [mut own, mut gemm, mut other] = [f64::INFINITY; 3];
    for _ in 0..TURNS {
        own = own.min(ours.with(|call| least(call)));
        gemm = gemm.min(least(&mut || theirs.multiply()));
        if let Some(peer) = peer {
            other = other.min(peer.seconds(product, T::NAME)?);
        }
    }
    for (x, y) in ours.results::<T>().iter().zip(theirs.results()) {
        if (x.wide() - y.wide()).abs() > T::NEAR * k as f64 {
            return Err(format!(
                "{m},{k},{n}: {} here, {} by gemm",
                x.wide(),
                y.wide()
            ));
        }
    }
    let rate = |seconds: f64| 2e-9 * (m * k * n) as f64 / seconds;
    println!(
        "{m},{k},{n}\t{}\t{}\t{}\t{:.1}\t{:.1}\t{:.1}\t{:.2}",
        product.layout.name(),
        T::NAME,
        product.threads,
        rate(own),
        rate(gemm),
        rate(other),
        gemm.min(other) / own,
    );
    Ok(())
}

fn main() -> Result<(), String> {
    let command: Vec<String> = std::env::args().skip(1).collect();
    let mut peer = match command.is_empty() {
        true => None,
        false => Some(Peer::new(&command)?),
    };
    println!("m,k,n\tlayout\ttype\tthreads\tsinew\tgemm\tpeer\tsinew / best");
    for threads in [1, 2] {
        for shape in SHAPES {
            for layout in Layout::ALL {
                let product = Product {
                    shape,
                    layout,
                    threads,
                };
                row::<f32>(product, &mut peer)?;
                row::<f64>(product, &mut peer)?;
            }
        }
    }
    Ok(())
}
