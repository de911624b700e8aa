//! Steps within a budget of memory: what is computed again has the same bits, and what does not fit at all is
//! told before anything runs.

use ndarray::{Array2, Array3};
use sinew::prelude::*;

#[model]
mod nets {
    use sinew::prelude::*;

    pub struct Wide {
        #[init(xavier_uniform)]
        pub w: Param<32, 32>,
    }

    impl Wide {
        pub fn next<B>(&self, x: Tensor<B, 32>) -> Tensor<B, 32> {
            matmul(x, self.w).tanh()
        }
    }

    /// Layers that are no repeated children: a flat program.
    pub struct Eight {
        pub a: Wide,
        pub b: Wide,
        pub c: Wide,
        pub d: Wide,
        pub e: Wide,
        pub f: Wide,
        pub g: Wide,
        pub h: Wide,
    }

    impl Eight {
        pub fn through<B>(&self, x: Tensor<B, 32>) -> Tensor<B, 32> {
            self.second(self.first(x))
        }

        pub fn first<B>(&self, x: Tensor<B, 32>) -> Tensor<B, 32> {
            self.d.next(self.c.next(self.b.next(self.a.next(x))))
        }

        pub fn second<B>(&self, x: Tensor<B, 32>) -> Tensor<B, 32> {
            self.h.next(self.g.next(self.f.next(self.e.next(x))))
        }
    }

    pub struct Deep {
        pub first: Eight,
        pub second: Eight,
        pub third: Eight,
    }

    pub fn deep<B>(m: &Deep, x: Tensor<B, 32>) -> Tensor {
        let x = m.first.through(x).dropout(0.1);
        m.third.through(m.second.through(x)).square().mean()
    }

    pub fn kept<B>(m: &Eight, x: Tensor<B, 32>) -> Tensor {
        m.second(m.first(x)).square().mean()
    }

    pub fn checkpointed<B>(m: &Eight, x: Tensor<B, 32>) -> Tensor {
        m.second(checkpoint(|x| m.first(x), x)).square().mean()
    }

    pub struct Lstm {
        #[init(xavier_uniform)]
        pub input: Param<8, 64>,
        #[init(xavier_uniform)]
        pub hidden: Param<16, 64>,
        #[init(zeros)]
        pub bias: Param<64>,
    }

    pub fn recurrent<T, B>(m: &Lstm, xs: Tensor<T, B, 8>) -> Tensor {
        let (mut h, mut c) = (zeros([B, 16]), zeros([B, 16]));
        for x in xs {
            let gates = matmul(x, m.input) + matmul(h, m.hidden) + m.bias;
            let i = gates[(.., 0..16)].sigmoid();
            let f = (gates[(.., 16..32)] + 1.0).sigmoid();
            let g = gates[(.., 32..48)].tanh();
            let o = gates[(.., 48..64)].sigmoid();
            c = f * c + i * g;
            h = o * c.tanh();
        }
        h.square().mean()
    }

    pub struct Stack<Layers> {
        pub layers: [Wide; Layers],
    }

    pub fn looped<B, Layers>(m: &Stack<Layers>, x: Tensor<B, 32>) -> Tensor {
        let mut x = x;
        for layer in &m.layers {
            x = layer.next(x) + x.sin();
        }
        x.square().mean()
    }
}

use nets::{Deep, Eight, Lstm, Stack, StackConfig};
use nets::{checkpointed, deep, kept, looped, recurrent};

/// Numbers from -1 to 1, the same in every run.
fn number(i: usize) -> f64 {
    ((i * 7919 + 13) % 2003) as f64 / 1001.0 - 1.0
}

fn rows(count: usize) -> Array2<f64> {
    Array2::from_shape_fn((count, 32), |(i, j)| number(i * 32 + j))
}

/// The bytes of the regions of that name.
fn region(memory: &str, name: &str) -> usize {
    let name = format!("  {name}");
    let lines = memory.lines().filter(|line| line.ends_with(&name));
    let bytes = lines.filter_map(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    bytes.sum()
}

/// What a budget is of.
fn working(memory: &str) -> usize {
    region(memory, "arena") + region(memory, "scratch")
}

/// The bits of all that two steps give.
#[derive(Debug, PartialEq)]
struct Steps {
    losses: Vec<u64>,
    gradients: Vec<u64>,
    parameters: Vec<u64>,
}

fn bits(model: &impl Model) -> Vec<u64> {
    let mut bits = Vec::new();
    model.visit("", &mut |_, p: &Param| {
        bits.extend(p.values_f64().iter().map(|v| v.to_bits()));
    });
    bits
}

/// Two steps within a budget, what they work in, and what is explained.
macro_rules! steps {
    ($loss:ident, $model:expr, $budget:expr, $x:expr) => {{
        let builder = $loss::train($model.clone())
            .precision(Precision::F64)
            .seed(3);
        let builder = match $budget {
            Some(bytes) => builder.memory_budget(bytes),
            None => builder,
        };
        let mut train = builder.build()?;
        let mut losses = Vec::new();
        for _ in 0..2 {
            losses.push(train.step($x.view())?.loss.to_bits());
        }
        let steps = Steps {
            losses,
            gradients: bits(&train.gradients()?),
            parameters: bits(&train.model()?),
        };
        (steps, working(&train.memory()?), train.explain())
    }};
}

macro_rules! show {
    ($loss:ident, $m:expr, $x:expr) => {
        let (first, free, text) = steps!($loss, $m, None::<usize>, $x);
        println!("{} free {free}\n{text}", stringify!($loss));
        for percent in [80, 60, 50, 40, 30, 25, 20] {
            let b = free * percent / 100;
            match (|| -> sinew::Result<_> { Ok(steps!($loss, $m, Some(b), $x)) })() {
                Ok((s, w, text)) => {
                    println!(
                        "{percent} {w} same {} {}",
                        s == first,
                        text.lines()
                            .filter(|l| l.contains("kept:") || l.contains("flop more"))
                            .collect::<String>()
                    );
                    if percent <= 40 {
                        println!("{text}")
                    }
                }
                Err(e) => println!("{percent}: {e}"),
            }
        }
    };
}

#[test]
fn figures() -> sinew::Result<()> {
    let x = rows(256);
    let m = Deep::init(1);
    show!(deep, m, x);
    let e = Eight::init(1);
    let (_, a, _) = steps!(kept, e, None::<usize>, x);
    let (_, b, _) = steps!(checkpointed, e, None::<usize>, x);
    println!("checkpoint {a} {b}");
    let xs = Array3::from_shape_fn((64, 32, 8), |(i, j, k)| number(i * 256 + j * 8 + k));
    let m = Lstm::init(1);
    show!(recurrent, m, xs);
    let m = Stack::init(&StackConfig { Layers: 24 }, 1)?;
    show!(looped, m, x);
    Ok(())
}
