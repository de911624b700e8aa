//! Loops in the language: against the same steps written out.

use sinew::ndarray::{Array1, Array2, Array3};
use sinew::prelude::*;

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * 0.37).sin()).collect()
}

fn sequence(t: usize) -> Array3<f32> {
    Array3::from_shape_vec((t, 2, 3), numbers(t * 6)).expect("as many")
}

/// Values that two forms of one function give: the order of sums is the same, so little else differs.
#[track_caller]
fn same(left: &[f64], right: &[f64]) {
    assert_eq!(left.len(), right.len());
    for (a, b) in left.iter().zip(right) {
        assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0), "{a} and {b}");
    }
}

fn of_model<M: Model>(model: &M) -> Vec<f64> {
    let mut out = Vec::new();
    model.visit("", &mut |_, p| out.extend(p.values_f64().iter()));
    out
}

#[model]
struct Cell {
    #[init(normal(0.5))]
    w: Param<4, 4>,
    #[init(normal(0.5))]
    u: Param<3, 4>,
}

#[model]
fn rnn<T, B>(m: &Cell, xs: Tensor<T, B, 3>) -> (Tensor<B, 4>, Tensor<T, B, 4>) {
    let mut h = zeros([B, 4]);
    let mut hs = Vec::new();
    for t in 0..T {
        h = (matmul(xs[t], m.u) + matmul(h, m.w)).tanh();
        hs.push(h);
    }
    (h, stack(hs))
}

#[model]
fn rnn_loss<T, B>(m: &Cell, xs: Tensor<T, B, 3>) -> Tensor {
    let (h, hs) = rnn(m, xs);
    h.square().mean() + hs.sin().mean()
}

#[model]
fn step<B>(m: &Cell, h: Tensor<B, 4>, x: Tensor<B, 3>) -> Tensor<B, 4> {
    (matmul(x, m.u) + matmul(h, m.w)).tanh()
}

#[model]
fn rnn_written_out<B>(m: &Cell, xs: Tensor<3, B, 3>) -> Tensor {
    let h1 = step(m, zeros([B, 4]), xs[0]);
    let h2 = step(m, h1, xs[1]);
    let h3 = step(m, h2, xs[2]);
    h3.square().mean() + stack([h1, h2, h3]).sin().mean()
}

#[test]
fn a_recurrence_is_its_steps() -> sinew::Result<()> {
    let model = Cell::init(3);
    let xs = sequence(3);
    same(
        &[rnn_loss(&model, &xs)?.into()],
        &[rnn_written_out(&model, &xs)?.into()],
    );
    let looped = rnn_loss::gradient(&model, &xs)?;
    let written = rnn_written_out::gradient(&model, &xs)?;
    same(&of_model(&looped), &of_model(&written));
    Ok(())
}

/// One iteration, and as many as the data has.
#[test]
fn trip_counts_come_with_the_data() -> sinew::Result<()> {
    let model = Cell::init(3);
    let all = sequence(7);
    let (last, states) = rnn(&model, &all)?;
    let mut h = Array2::<f32>::zeros((2, 4));
    for t in 0..7 {
        h = step(&model, &h, all.index_axis(sinew::ndarray::Axis(0), t))?;
        let at = states.index_axis(sinew::ndarray::Axis(0), t);
        let (a, b): (Vec<f64>, Vec<f64>) = h
            .iter()
            .zip(&at)
            .map(|(a, b)| (f64::from(*a), f64::from(*b)))
            .unzip();
        same(&a, &b);
    }
    assert_eq!(last, h);
    let (one, _) = rnn(&model, sequence(1))?;
    assert_eq!(one.dim(), (2, 4));
    Ok(())
}

/// Two values that change places, one that stays, an index beside the loop's, and a range from 1 on.
#[model]
fn fibonacci<T>(x: Tensor<T>) -> (Tensor, Tensor<{ T - 1 }>) {
    let (mut a, mut b, scale) = (x[0], x[0] * 2.0, 0.5);
    let mut differences = Vec::new();
    for t in 1..T {
        (a, b) = (b, (a + b) * scale);
        differences.push(x[t] - x[t - 1] + b * 0.0);
    }
    (a, stack(differences))
}

#[test]
fn assignments_of_tuples_and_neighbours() -> sinew::Result<()> {
    let x = [1.0f32, 4.0, 9.0, 16.0];
    let (a, differences) = fibonacci(x)?;
    // (1, 2), (2, 1.5), (1.5, 1.75), (1.75, ..)
    assert_eq!(a, 1.75);
    assert_eq!(differences, Array1::from(vec![3.0, 5.0, 7.0]));
    Ok(())
}

/// The last element first.
#[model]
fn backwards<T>(x: Tensor<T>) -> (Tensor, Tensor<T>) {
    let mut sum = 0.0;
    let mut sums = Vec::new();
    for v in x.iter().rev() {
        sum = sum * 0.5 + v;
        sums.push(sum);
    }
    (sum, stack(sums))
}

#[test]
fn lists_are_in_the_order_of_the_pushes() -> sinew::Result<()> {
    let (sum, sums) = backwards([1.0f32, 2.0, 4.0])?;
    assert_eq!(sum, 3.0);
    assert_eq!(sums, Array1::from(vec![4.0, 4.0, 3.0]));
    Ok(())
}

/// A loop in a loop, along both axes, which collects what both do.
#[model]
fn table<A, B>(x: Tensor<A, B>) -> (Tensor, Tensor<{ A * B }>) {
    let mut total = 0.0;
    let mut all = Vec::new();
    for i in 0..A {
        let mut row = 0.0;
        for j in 0..B {
            row += x[(i, j)] * (j + 1);
            all.push(row);
        }
        total += row * (i + 1);
    }
    (total, stack(all))
}

#[test]
fn loops_nest() -> sinew::Result<()> {
    let x = Array2::from_shape_vec((2, 3), vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).expect("six");
    let (total, all) = table(&x)?;
    assert_eq!(all, Array1::from(vec![1.0, 5.0, 14.0, 4.0, 14.0, 32.0]));
    assert_eq!(total, 14.0 + 64.0);
    Ok(())
}

#[model(methods)]
struct Layer<D> {
    #[init(normal(0.3))]
    w: Param<D, D>,
    #[init(normal(0.3))]
    b: Param<D>,
}

#[model]
impl<D> Layer<D> {
    fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
        (matmul(x, self.w) + self.b).tanh() + x
    }
}

#[model]
struct Deep<D, Layers> {
    layers: [Layer<D>; Layers],
    #[init(normal(0.3))]
    out: Param<D>,
}

#[model]
fn deep<B, D, Layers>(m: &Deep<D, Layers>, x: Tensor<B, D>) -> Tensor {
    let mut h = x;
    for layer in &m.layers {
        h = layer.forward(h);
    }
    (h * m.out).sum(axis = -1).square().mean()
}

#[model]
struct Three {
    first: Layer<4>,
    second: Layer<4>,
    third: Layer<4>,
    #[init(normal(0.3))]
    out: Param<4>,
}

#[model]
fn three<B>(m: &Three, x: Tensor<B, 4>) -> Tensor {
    let h = m.third.forward(m.second.forward(m.first.forward(x)));
    (h * m.out).sum(axis = -1).square().mean()
}

fn deep_of(layers: usize) -> sinew::Result<Deep> {
    Deep::init(
        &DeepConfig {
            D: 4,
            Layers: layers,
        },
        5,
    )
}

#[test]
fn repeated_children_are_named_one_by_one() -> sinew::Result<()> {
    let model = deep_of(3)?;
    let mut paths = Vec::new();
    model.visit("", &mut |path, _| paths.push(path.to_string()));
    let expected = [
        "layers.0.w",
        "layers.0.b",
        "layers.1.w",
        "layers.1.b",
        "layers.2.w",
        "layers.2.b",
        "out",
    ];
    assert_eq!(paths, expected);
    assert_ne!(model.layers[0].w, model.layers[1].w);
    Ok(())
}

#[test]
fn a_loop_over_children_is_its_layers() -> sinew::Result<()> {
    let model = deep_of(3)?;
    let written = Three {
        first: model.layers[0].clone(),
        second: model.layers[1].clone(),
        third: model.layers[2].clone(),
        out: model.out.clone(),
    };
    let x = Array2::from_shape_vec((5, 4), numbers(20)).expect("as many");
    same(&[deep(&model, &x)?.into()], &[three(&written, &x)?.into()]);
    let looped = deep::gradient(&model, &x)?;
    let gradient = three::gradient(&written, &x)?;
    same(&of_model(&looped), &of_model(&gradient));
    Ok(())
}

#[test]
fn children_train_and_are_saved() -> sinew::Result<()> {
    let x = Array2::from_shape_vec((5, 4), numbers(20)).expect("as many");
    let mut train = deep::train(deep_of(3)?).optimizer(Sgd::new(0.1)).build()?;
    let first = train.step(&x)?.loss;
    let mut last = first;
    for _ in 0..20 {
        last = train.step(&x)?.loss;
    }
    assert!(last < first * 0.5, "{first} and {last}");
    let trained = train.model()?;
    assert_ne!(trained, deep_of(3)?);
    let file =
        std::env::temp_dir().join(format!("sinew-children-{}.safetensors", std::process::id()));
    trained.save(&file)?;
    let mut back = deep_of(3)?;
    back.load_into(&file)?;
    assert_eq!(back, trained);
    drop(std::fs::remove_file(&file));
    Ok(())
}

#[test]
fn a_number_of_children_that_is_none_is_told() {
    let refused = |layers| match deep_of(layers) {
        Ok(_) => panic!("{layers} layers"),
        Err(error) => error.to_string(),
    };
    assert!(refused(1 << 40).contains("Layers"), "{}", refused(1 << 40));
}

const STEPS: usize = 3;
const RATE: f32 = 0.5;

/// Rust consts as trip count and as number, a sequence of dims, an index as a number, and what the
/// iteration itself computes read at the index.
#[model]
fn series<S>(x: Tensor<[S], 2>) -> Tensor<[S], 2> {
    let mut y = x;
    for t in 0..STEPS {
        let weights = arange(STEPS).cast(float) * 2.0;
        y = y * RATE + weights[t] + t;
    }
    y
}

#[test]
fn consts_sequences_and_indices_as_numbers() -> sinew::Result<()> {
    let x = Array3::from_elem((2, 1, 2), 8.0f32);
    // 8 -> 4 -> 2 + 3 -> 2.5 + 6
    let y = series(&x)?;
    assert_eq!(y.shape(), [2, 1, 2]);
    assert!(y.iter().all(|v| *v == 8.5), "{y}");
    Ok(())
}

/// Elements with their numbers, and two tensors side by side, the second along the last axis.
#[model]
fn paired<T, B>(x: Tensor<T, B>, y: Tensor<B, T>) -> Tensor<B> {
    let mut sum = zeros([B]);
    for (t, (row, weight)) in x.iter().zip(arange(T).cast(float)).enumerate() {
        sum += row * y[(.., t)] * weight;
    }
    sum
}

#[test]
fn tensors_side_by_side() -> sinew::Result<()> {
    let x = Array2::from_shape_vec((3, 2), vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).expect("six");
    let y = Array2::from_shape_vec((2, 3), vec![1.0f32, 1.0, 1.0, 2.0, 2.0, 2.0]).expect("six");
    assert_eq!(paired(&x, &y)?, Array1::from(vec![13.0, 32.0]));
    Ok(())
}

#[model]
struct Group<D, Layers> {
    layers: [Layer<D>; Layers],
}

#[model]
struct Groups<D, Count, Layers> {
    groups: [Group<D, Layers>; Count],
}

#[model]
fn grouped<B, D, Count, Layers>(m: &Groups<D, Count, Layers>, x: Tensor<B, D>) -> Tensor {
    let mut h = x;
    for group in &m.groups {
        for layer in &group.layers {
            h = layer.forward(h);
        }
    }
    h.square().mean()
}

#[model]
fn in_one_row<B, D, Layers>(m: &Group<D, Layers>, x: Tensor<B, D>) -> Tensor {
    let mut h = x;
    for layer in &m.layers {
        h = layer.forward(h);
    }
    h.square().mean()
}

#[test]
fn children_of_children() -> sinew::Result<()> {
    let sizes = GroupsConfig {
        D: 3,
        Count: 2,
        Layers: 2,
    };
    let model = Groups::init(&sizes, 7)?;
    let mut row = Group::init(&GroupConfig { D: 3, Layers: 4 }, 7)?;
    let layers = model.groups.iter().flat_map(|g| &g.layers);
    row.layers = layers.cloned().collect();
    let x = Array2::from_shape_vec((2, 3), numbers(6)).expect("six");
    same(
        &[grouped(&model, &x)?.into()],
        &[in_one_row(&row, &x)?.into()],
    );
    let (nested, flat) = (
        grouped::gradient(&model, &x)?,
        in_one_row::gradient(&row, &x)?,
    );
    same(&of_model(&nested), &of_model(&flat));
    Ok(())
}

/// Code does not grow with the number of layers: what differs is the update's last few elements, which are
/// others where there are other parameters.
#[test]
fn a_loop_over_children_stays_a_loop() -> sinew::Result<()> {
    let x = Array2::from_shape_vec((5, 4), numbers(20)).expect("as many");
    let code = |layers: usize| -> sinew::Result<usize> {
        let mut train = deep::train(deep_of(layers)?).build()?;
        train.prepare(&x)?;
        Ok(train.clif()?.lines().count())
    };
    let (few, many) = (code(2)?, code(48)?);
    assert!(few.abs_diff(many) * 20 <= few, "{few} {many}");
    Ok(())
}

/// What is computed from an index is a place like any other number, and a factor.
#[model]
fn multiples<T>(x: Tensor<{ 2 * T }>) -> (Tensor, Tensor) {
    let (mut even, mut halves) = (0.0, 0.0);
    for t in 0..T {
        even += x[2 * t];
        halves += t * 0.5;
    }
    (even, halves)
}

#[test]
fn an_index_meets_numbers() -> sinew::Result<()> {
    let (even, halves) = multiples([1.0, 10.0, 2.0, 20.0, 4.0, 40.0])?;
    assert_eq!((even, halves), (7.0, 1.5));
    Ok(())
}

const ROWS: usize = 3;

#[model(methods)]
struct Decay {
    rate: f32,
}

/// From the end, along a diagonal, and weighed: with sizes, Rust's consts and the configuration.
#[model]
impl Decay {
    fn places<N>(
        &self,
        x: Tensor<N>,
        y: Tensor<{ N * N }>,
        z: Tensor<ROWS>,
    ) -> (Tensor<N>, Tensor, Tensor<ROWS>, Tensor) {
        let (mut diagonal, mut weights) = (0.0, 0.0);
        let mut backwards = vec![];
        for t in 0..N {
            backwards.push(x[N - 1 - t]);
            diagonal += y[t * N + t];
            weights += t * self.rate;
        }
        let mut turned = vec![];
        for t in 0..ROWS {
            turned.push(z[ROWS - 1 - t] + z[(t * ROWS + 1) % ROWS]);
        }
        (stack(backwards), diagonal, stack(turned), weights)
    }
}

#[model]
fn places<N>(
    m: &Decay,
    x: Tensor<N>,
    y: Tensor<{ N * N }>,
    z: Tensor<ROWS>,
) -> (Tensor<N>, Tensor, Tensor<ROWS>, Tensor) {
    m.places(x, y, z)
}

#[test]
fn an_index_meets_sizes_consts_and_settings() -> sinew::Result<()> {
    let m = Decay::init(&DecayConfig { rate: 0.25 }, 0)?;
    let (backwards, diagonal, turned, weights) =
        places(&m, [1.0, 2.0], [1.0, 10.0, 100.0, 1000.0], [1.0, 2.0, 3.0])?;
    assert_eq!(backwards.to_vec(), [2.0, 1.0]);
    assert_eq!((diagonal, weights), (1001.0, 0.25));
    assert_eq!(turned.to_vec(), [5.0, 4.0, 3.0]);
    Ok(())
}

/// What its body computes goes nowhere.
#[model]
fn idle<N>(x: Tensor<N>) -> Tensor<N> {
    for t in 0..N {
        let _y = x + t;
        for _u in 0..N {}
    }
    x
}

#[test]
fn a_loop_that_changes_nothing_is_nothing() -> sinew::Result<()> {
    assert_eq!(idle([1.0, 2.0])?.to_vec(), [1.0, 2.0]);
    Ok(())
}
