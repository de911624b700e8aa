//! Repeated children by their numbers: in expressions and loops, their gradients and states.

use crate::devices::devices;
use sinew::ndarray::{Array1, array};
use sinew::prelude::*;

#[model]
mod nets {
    use sinew::prelude::*;

    pub const SECOND: usize = 1;

    pub struct Head {
        #[init(ones)]
        pub scale: Param<2>,
    }

    pub struct Block {
        #[init(ones)]
        pub w: Param<2>,
        pub heads: [Head; 2],
    }

    impl Block {
        pub fn forward<B>(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
            let mut y = x * self.w;
            for head in &self.heads {
                y = y * head.scale;
            }
            y
        }
    }

    pub struct Net<Layers> {
        pub blocks: [Block; Layers],
    }

    pub fn picked<B, Layers>(m: &Net<Layers>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let last = m.blocks[-1];
        let y = m.blocks[2].forward(x) + 10.0 * last.forward(x);
        y + 100.0 * m.blocks[SECOND].w + 1000.0 * m.blocks[Layers - 2].heads[1].scale
    }

    pub fn loss<B, Layers>(m: &Net<Layers>, x: Tensor<B, 2>) -> Tensor {
        m.blocks[2].forward(x).sum() + m.blocks[1].heads[-1].scale.square().sum()
    }

    /// Differences of neighbours, and the heads of one child.
    pub fn along<B, Layers>(m: &Net<Layers>, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let mut y = zeros([B, 2]);
        for i in 1..Layers {
            y = 10.0 * y + m.blocks[i].forward(x) - m.blocks[i - 1].forward(x);
        }
        for head in &m.blocks[0].heads {
            y = y * head.scale;
        }
        y
    }

    pub struct Counter {
        pub seen: State<2>,
        pub steps: State,
    }

    impl Counter {
        pub fn add<B>(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
            self.seen = self.seen + x.sum(axis = 0);
            self.steps = self.steps + 1.0;
            x + self.seen
        }
    }

    pub struct Counters {
        pub all: [Counter; 3],
    }

    pub fn count<B>(m: &Counters, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let y = m.all[2].add(x) + m.all[0].seen;
        m.all[0].steps = 7.0;
        let mut z = y;
        for i in 0..2 {
            z = m.all[i + 1].add(z);
        }
        z
    }
}

use nets::{Block, Counters, Net, NetConfig, along, count, loss, picked};

/// Child `i` multiplies by `i + 1`, and its second head's scale is `2 i + 1`.
fn net(layers: usize) -> sinew::Result<Net> {
    let mut net = Net::init(&NetConfig { Layers: layers }, 0)?;
    for (i, block) in net.blocks.iter_mut().enumerate() {
        block.w.fill(i as f64 + 1.0);
        block.heads[1].scale.fill(2.0 * i as f64 + 1.0);
    }
    Ok(net)
}

fn numbers(param: &Param) -> Vec<f32> {
    param.values().iter().copied().collect()
}

fn factor(i: usize) -> f32 {
    (i as f32 + 1.0) * (2.0 * i as f32 + 1.0)
}

#[test]
fn a_child_is_taken_by_its_number() -> sinew::Result<()> {
    for device in devices() {
        let run = picked::compile(net(4)?).device(device).build()?;
        let more = factor(2) + 10.0 * factor(3);
        let rest = 100.0 * 2.0 + 1000.0 * 5.0;
        let found = run.run([[1.0, 2.0], [-1.0, 0.5]])?;
        assert_eq!(
            found,
            array![
                [more + rest, 2.0 * more + rest],
                [rest - more, 0.5 * more + rest]
            ]
        );
    }
    Ok(())
}

#[test]
fn a_loop_takes_children_by_its_index() -> sinew::Result<()> {
    for device in devices() {
        let run = along::compile(net(4)?).device(device).build()?;
        let steps = (1..4).map(|i| factor(i) - factor(i - 1));
        let expected = steps.fold(0.0, |y, step| 10.0 * y + step);
        assert_eq!(run.run([[1.0, 2.0]])?, array![[expected, 2.0 * expected]]);
    }
    Ok(())
}

#[test]
fn other_children_have_no_gradient() -> sinew::Result<()> {
    for device in devices() {
        let mut train = loss::train(net(4)?).device(device).build()?;
        let found = train.step([[1.0, 2.0]])?;
        assert_eq!(found.loss, f64::from(3.0 * factor(2)) + 18.0);
        let gradients = train.gradients()?;
        for (i, Block { w, heads }) in gradients.blocks.iter().enumerate() {
            let (of_w, of_heads) = match i {
                1 => ([0.0; 2], [[0.0; 2], [6.0; 2]]),
                2 => ([5.0, 10.0], [[15.0, 30.0], [3.0, 6.0]]),
                _ => ([0.0; 2], [[0.0; 2]; 2]),
            };
            assert_eq!(numbers(w), of_w, "{i}");
            assert_eq!(numbers(&heads[0].scale), of_heads[0], "{i}");
            assert_eq!(numbers(&heads[1].scale), of_heads[1], "{i}");
        }
    }
    Ok(())
}

#[test]
fn states_of_a_child_are_its_own() -> sinew::Result<()> {
    for device in devices() {
        let run = count::compile(Counters::init(0)).device(device).build()?;
        let x = [1.0, 2.0];
        let found: Array1<f32> = run.run([x])?.into_raw_vec_and_offset().0.into();
        // Child 2 has seen x, so y is 2x; child 1 sees that and adds it, child 2 gets 4x.
        assert_eq!(found, Array1::from_iter(x.map(|x| 4.0 * x + 5.0 * x)));
        let all = run.model()?.all;
        let seen = [0.0, 2.0, 5.0].map(|n| x.map(|x| n * x));
        for (child, (seen, steps)) in all.iter().zip(seen.iter().zip([7.0, 1.0, 2.0])) {
            assert_eq!(numbers(&child.seen), seen);
            assert_eq!(child.steps.item()?, steps);
        }
    }
    Ok(())
}

#[test]
fn a_child_that_is_not_there_is_told_when_sizes_are_known() -> sinew::Result<()> {
    let run = picked::compile(net(2)?).build()?;
    let text = run.run([[1.0, 2.0]]).expect_err("two children").to_string();
    assert!(text.contains("tests/children.rs:"), "{text}");
    assert!(text.contains("2..3"), "{text}");
    Ok(())
}

#[model]
mod empty {
    use sinew::prelude::*;

    pub struct Layer<D> {
        #[default(2.0)]
        pub gain: f32,
        #[default(true)]
        pub causal: bool,
        #[init(ones)]
        pub w: Param<D, D>,
        pub seen: State<D>,
    }

    impl<D> Layer<D> {
        pub fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
            self.seen = self.seen + x.sum(axis = 0);
            let y = matmul(x, self.w) * self.gain;
            if self.causal { y } else { y + x }
        }
    }

    pub struct Deep<D, Layers> {
        #[init(ones)]
        pub first: Param<D>,
        pub layers: [Layer<D>; Layers],
    }

    pub fn deep<B, D, Layers>(m: &Deep<D, Layers>, x: Tensor<B, D>) -> Tensor<B, D> {
        let mut y = x * m.first;
        for layer in &m.layers {
            y = layer.forward(y);
        }
        y
    }

    pub fn cost<B, D, Layers>(m: &Deep<D, Layers>, x: Tensor<B, D>) -> Tensor {
        deep(m, x).sum()
    }
}

#[test]
fn no_children_are_no_layers() -> sinew::Result<()> {
    use empty::{Deep, DeepConfig, cost, deep};
    let model = |layers| {
        Deep::init(
            &DeepConfig {
                D: 2,
                Layers: layers,
            },
            0,
        )
    };
    let none = model(0)?;
    assert_eq!(none.layers.len(), 0);
    for device in devices() {
        let train = cost::train(none.clone()).device(device).check_finite(true);
        let mut train = train.optimizer(Sgd::new(0.01)).build()?;
        let run = deep::attach(&train)?;
        assert_eq!(run.run([[1.0, 2.0]])?, array![[1.0, 2.0]]);
        assert_eq!(train.step([[1.0, 2.0]])?.loss, 3.0);
        assert_eq!(numbers(&train.gradients()?.first), [1.0, 2.0]);
        assert_eq!(numbers(&train.model()?.first), [0.99, 0.98]);
        let saved = std::env::temp_dir().join(format!("children_{}", std::process::id()));
        train.model()?.save(&saved)?;
        let mut loaded = model(0)?;
        loaded.load_into(&saved)?;
        std::fs::remove_file(&saved).expect("it was written");
        assert_eq!(numbers(&loaded.first), [0.99, 0.98]);
    }
    // Another number is another program.
    assert_eq!(deep(&model(1)?, [[1.0, 2.0]])?.len(), 2);
    Ok(())
}
