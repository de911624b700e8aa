//! A recurrent net over hundreds of steps: its gradients are those of the steps written out, its code is
//! that of two steps, and it learns what is far back.

use ndarray::{Array1, Array3};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;

    pub struct Lstm<I, H> {
        #[init(xavier_uniform)]
        pub input: Param<I, { 4 * H }>,
        #[init(xavier_uniform)]
        pub hidden: Param<H, { 4 * H }>,
        #[init(zeros)]
        pub bias: Param<{ 4 * H }>,
    }

    impl<I, H> Lstm<I, H> {
        /// The next hidden state and cell.
        pub fn step<B>(
            &self,
            h: Tensor<B, H>,
            c: Tensor<B, H>,
            x: Tensor<B, I>,
        ) -> (Tensor<B, H>, Tensor<B, H>) {
            let gates = matmul(x, self.input) + matmul(h, self.hidden) + self.bias;
            let i = gates[(.., 0..H)].sigmoid();
            let f = (gates[(.., H..2 * H)] + 1.0).sigmoid();
            let g = gates[(.., 2 * H..3 * H)].tanh();
            let o = gates[(.., 3 * H..4 * H)].sigmoid();
            let c = f * c + i * g;
            (o * c.tanh(), c)
        }

        pub fn last<T, B>(&self, xs: Tensor<T, B, I>) -> Tensor<B, H> {
            let (mut h, mut c) = (zeros([B, H]), zeros([B, H]));
            for x in xs {
                (h, c) = self.step(h, c, x);
            }
            h
        }
    }

    pub struct Net {
        pub cell: Lstm<2, 6>,
        pub out: Linear<6, 1>,
    }

    pub fn loss<T, B>(m: &Net, xs: Tensor<T, B, 2>, y: Tensor<B>) -> Tensor {
        mse(m.out.forward(m.cell.last(xs)).squeeze(-1), y)
    }

    pub fn written_out<B>(m: &Net, xs: Tensor<4, B, 2>, y: Tensor<B>) -> Tensor {
        let (h, c) = (zeros([B, 6]), zeros([B, 6]));
        let (h, c) = m.cell.step(h, c, xs[0]);
        let (h, c) = m.cell.step(h, c, xs[1]);
        let (h, c) = m.cell.step(h, c, xs[2]);
        let (h, _) = m.cell.step(h, c, xs[3]);
        mse(m.out.forward(h).squeeze(-1), y)
    }
}

use net::{Net, loss, written_out};

/// Numbers from -1 to 1, the same in every run.
fn numbers(count: usize) -> impl Iterator<Item = f64> {
    let mut state = 1u64;
    (0..count).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f64 / f64::from(1u32 << 23) - 1.0
    })
}

/// Sequences of noise, of which each row's first number is what is to be remembered.
fn sequences(steps: usize, batch: usize) -> (Array3<f64>, Array1<f64>) {
    let x = Array3::from_shape_vec((steps, batch, 2), numbers(steps * batch * 2).collect());
    let mut x = x.expect("as many");
    let y = x.slice(ndarray::s![0, .., 0]).to_owned();
    x.slice_mut(ndarray::s![1.., .., 0]).fill(0.0);
    (x, y)
}

#[test]
fn gradients_are_those_of_the_steps_written_out() -> sinew::Result<()> {
    let (x, y) = sequences(4, 3);
    let model = Net::init(2);
    let (found, expected) = (
        loss::gradient(&model, &x, &y)?,
        written_out::gradient(&model, &x, &y)?,
    );
    let mut pairs = Vec::new();
    found.visit("", &mut |path, g| {
        pairs.push((path.to_string(), g.values_f64()))
    });
    let mut at = 0;
    expected.visit("", &mut |path, g| {
        for (f, e) in pairs[at].1.iter().zip(g.values_f64()) {
            assert!((f - e).abs() <= 1e-12 * e.abs().max(1.0), "{path}: {f} {e}");
        }
        at += 1;
    });
    assert_eq!(at, 5);
    Ok(())
}

#[test]
fn the_code_of_many_steps_is_that_of_two() -> sinew::Result<()> {
    let code = |steps: usize| -> sinew::Result<usize> {
        let (x, y) = sequences(steps, 3);
        let mut train = loss::train(Net::init(2)).build()?;
        train.prepare(&x, &y)?;
        Ok(train.clif()?.lines().count())
    };
    let (few, many) = (code(2)?, code(512)?);
    assert!(few.abs_diff(many) * 20 <= few, "{few} {many}");
    Ok(())
}

#[test]
fn it_learns_over_many_steps() -> sinew::Result<()> {
    let (x, y) = sequences(128, 8);
    let mut train = loss::train(Net::init(2))
        .optimizer(Adam::new(0.02))
        .build()?;
    let first = train.step(&x, &y)?.loss;
    let mut last = first;
    for _ in 0..60 {
        last = train.step(&x, &y)?.loss;
    }
    assert!(last < 0.5 * first, "{first} {last}");
    Ok(())
}
