//! What the language's forms become: `tests/golden/<form>.ir` is the function `<form>` below and its pullback, as
//! `pullback()` tells them.
//!
//! A person has read these files and found that they say what the language's pages do. `BLESS=1` writes them anew:
//! read the difference before you commit it.

use sinew::prelude::*;
use std::error::Error;
use std::path::Path;

/// Compares with the file, or writes it if that is asked for.
fn check(form: &str, made: sinew::Result<String>) -> Result<(), Box<dyn Error>> {
    let made = made?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{form}.ir"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &made)?;
    }
    let expected = std::fs::read_to_string(&file)?;
    assert!(
        made == expected,
        "{form} is no longer what its file says; now:\n{made}"
    );
    Ok(())
}

/// A test for each form, and one that every file has its form.
macro_rules! forms {
    ($($form:ident)*) => {
        $(
            #[test]
            fn $form() -> Result<(), Box<dyn Error>> {
                check(stringify!($form), forms::$form::pullback())
            }
        )*

        #[test]
        fn no_file_is_without_its_form() -> Result<(), Box<dyn Error>> {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
            for file in std::fs::read_dir(folder)? {
                let path = file?.path();
                let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
                assert!([$(stringify!($form)),*].contains(&name), "{}", path.display());
            }
            Ok(())
        }
    };
}

forms! {
    loop_over_numbers loop_over_slices loop_backward loop_of_two_lists loops_nested
    layers_in_a_loop child_by_number children_by_index child_with_a_state
    pushes_in_arms pushes_and_concat
    state_assigned state_in_a_loop
    setting_in_a_choice setting_in_a_match choice_by_size training_alone
    two_models tuples_and_arrays
    dropout_of_a_value draws
    slices_of_axes new_axes_and_steps rows_by_indices set_of_a_part add_at_rows
    padded_with_zeros padded_with_edges padded_by_reflection windows_of_an_axis triangles chunks
    chosen_by_a_mask sorted_values largest sums_so_far products_so_far grid
    einsum_of_two einsum_of_a_diagonal einsum_with_dots einsum_of_three
    rearranged reduced repeated
    gradient_inside gradient_of_a_gradient gradient_by_a_model value_beside_a_gradient
    vector_jacobian jacobian_vector mapped mapped_gradients computed_again rule_of_ones_own
    captured patched stopped
    halves integers_and_bits doubles
}

#[model]
mod forms {
    use sinew::ops::*;
    use sinew::prelude::*;

    pub fn loop_over_numbers<T, B>(x: Tensor<T, B>, decay: Tensor) -> Tensor<B> {
        let mut h = zeros([B]);
        for t in 0..T {
            h = decay * h + x[t] * (t + 1);
        }
        h
    }

    pub fn loop_over_slices<T, B, H>(xs: Tensor<T, B, H>, w: Tensor<H, H>) -> Tensor<T, B, H> {
        let mut h = zeros([B, H]);
        let mut hs = Vec::new();
        for x in xs {
            h = (x + h.matmul(w)).tanh();
            hs.push(h);
        }
        stack(hs)
    }

    pub fn loop_backward<T>(xs: Tensor<T>) -> Tensor<T> {
        let mut sum = 0.0;
        let mut sums = Vec::new();
        for x in xs.iter().rev() {
            sum = sum + x.exp();
            sums.push(sum);
        }
        stack(sums)
    }

    pub fn loop_of_two_lists<T>(xs: Tensor<T>, ys: Tensor<T>) -> Tensor {
        let mut sum = 0.0;
        for (t, (x, y)) in xs.iter().zip(ys).enumerate() {
            sum += x * y * t;
        }
        sum
    }

    pub fn loops_nested<T, S>(xs: Tensor<T, S>, a: Tensor) -> Tensor {
        let mut h = 1.0;
        for x in xs {
            for y in x {
                h = (a * h + y).tanh();
            }
        }
        h
    }

    pub struct Gain<D> {
        #[init(ones)]
        pub by: Param<D>,
    }

    pub struct Chain<D, Layers> {
        pub gains: [Gain<D>; Layers],
    }

    pub fn layers_in_a_loop<B, D, Layers>(m: &Chain<D, Layers>, x: Tensor<B, D>) -> Tensor<B, D> {
        let mut x = x;
        for gain in &m.gains {
            x = (x * gain.by).sigmoid();
        }
        x
    }

    pub fn child_by_number<B, D, Layers>(m: &Chain<D, Layers>, x: Tensor<B, D>) -> Tensor<B, D> {
        x * m.gains[2].by * m.gains[-1].by
    }

    pub fn children_by_index<D, Layers>(m: &Chain<D, Layers>, x: Tensor<D>) -> Tensor<D> {
        let mut y = x;
        for i in 1..Layers {
            y += m.gains[i].by * m.gains[i - 1].by;
        }
        y
    }

    pub struct Counter {
        pub seen: State,
    }

    pub struct Counters {
        pub all: [Counter; 3],
        #[init(ones)]
        pub scale: Param,
    }

    pub fn child_with_a_state<N>(m: &Counters, x: Tensor<N>) -> Tensor<N> {
        m.all[1].seen = m.all[1].seen + x.sum();
        x * m.scale + m.all[1].seen
    }

    pub struct Switch<D> {
        #[init(ones)]
        pub by: Param<D>,
        pub gated: bool,
        pub ways: usize,
        pub rate: f32,
    }

    pub fn pushes_in_arms<T, D>(m: &Switch<D>, xs: Tensor<T, D>) -> Tensor<T, D> {
        let mut ys = Vec::new();
        for x in xs {
            if m.gated {
                ys.push(x.sigmoid() * m.by);
            } else {
                ys.push(x * m.by);
            }
        }
        stack(ys)
    }

    pub fn pushes_and_concat<T, D>(xs: Tensor<T, D>) -> Tensor<{ 2 * T }, D> {
        let mut ys = Vec::new();
        for x in xs {
            ys.push(stack([x, x.square()]));
        }
        concat(ys)
    }

    pub struct Norm<D> {
        #[init(ones)]
        pub scale: Param<D>,
        pub mean: State<D>,
    }

    pub fn state_assigned<B, D>(m: &Norm<D>, x: Tensor<B, D>) -> Tensor<B, D> {
        m.mean = 0.9 * m.mean + 0.1 * x.mean(axis = 0);
        (x - m.mean) * m.scale
    }

    pub fn state_in_a_loop<T, D>(m: &Norm<D>, xs: Tensor<T, D>) -> Tensor<D> {
        let mut y = zeros([D]);
        for x in xs {
            m.mean = m.mean * m.scale + x;
            y += m.mean.square();
        }
        y
    }

    pub fn setting_in_a_choice<D>(m: &Switch<D>, x: Tensor<D>) -> Tensor<D> {
        let y = if m.gated && m.rate < 0.5 { x.relu() } else { x };
        y * m.by * m.rate
    }

    pub fn setting_in_a_match<D>(m: &Switch<D>, x: Tensor<D>) -> Tensor<D> {
        match m.ways {
            0 => x,
            1 | 2 => x * m.by,
            _ => x.exp(),
        }
    }

    pub fn choice_by_size<N>(x: Tensor<N>) -> Tensor {
        let mut y = x.sum();
        if N > 8 {
            y = y / N;
        }
        y
    }

    pub fn training_alone<N>(x: Tensor<N>) -> Tensor<N> {
        if training() { x.square() } else { x }
    }

    pub fn two_models<B, D>(a: &Gain<D>, x: Tensor<B, D>, b: &Switch<D>) -> Tensor<B, D> {
        (x * a.by).tanh() * b.by
    }

    pub fn tuples_and_arrays<N>((x, y): (Tensor<N>, Tensor<N>), others: [Tensor<N>; 2]) -> Tensor {
        (x * y + others[0] - others[1]).sum()
    }

    pub fn dropout_of_a_value<B, D>(m: &Gain<D>, x: Tensor<B, D>) -> Tensor<B, D> {
        (x * m.by).dropout(0.25)
    }

    pub fn draws<N>(mean: Tensor, width: Tensor) -> Tensor<N> {
        mean + width * randn([N]) + uniform([N], -1.0, 1.0)
    }

    pub fn slices_of_axes<N, M>(x: Tensor<{ N + 4 }, M>) -> Tensor<N, M> {
        x[(1..N + 1, ..)] * x[(-N.., ..)] + x[(2, ..)]
    }

    pub fn new_axes_and_steps<N>(x: Tensor<{ 2 * N }>) -> Tensor<N, N> {
        x[((..).step_by(2), None)] * x[(None, (1..).step_by(2))]
    }

    pub fn rows_by_indices<N, D, B>(x: Tensor<N, D>, i: Tensor<i32, B>) -> Tensor<B, D> {
        x[i]
    }

    pub fn set_of_a_part<N>(x: Tensor<N, 3>, y: Tensor<N>) -> Tensor<N, 3> {
        x.set((.., 1), y)
    }

    pub fn add_at_rows<N, D, B>(
        x: Tensor<N, D>,
        i: Tensor<i32, B>,
        y: Tensor<B, D>,
    ) -> Tensor<N, D> {
        x.add_at(i, y)
    }

    pub fn padded_with_zeros<N, M>(x: Tensor<N, M>) -> Tensor<{ N + 3 }, M> {
        x.pad([(1, 2), (0, 0)])
    }

    pub fn padded_with_edges<N>(x: Tensor<N>) -> Tensor<{ N + 3 }> {
        x.pad([(1, 2)], mode = "edge")
    }

    pub fn padded_by_reflection<N>(x: Tensor<N>) -> Tensor<{ N + 3 }> {
        x.pad([(1, 2)], mode = "reflect")
    }

    pub fn windows_of_an_axis<N>(x: Tensor<{ N + 2 }>, w: Tensor<3>) -> Tensor<N> {
        x.windows(3).matmul(w)
    }

    pub fn triangles<N>(x: Tensor<N, N>) -> Tensor<N, N> {
        x.triu() + 2 * x.tril(-1)
    }

    pub fn chunks<N>(x: Tensor<{ 2 * N }>) -> Tensor<N> {
        let (a, b) = x.chunk(2);
        a * b
    }

    pub fn chosen_by_a_mask<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
        where_(x > y, x.exp(), 0.5)
    }

    pub fn sorted_values<N, M>(x: Tensor<N, M>) -> Tensor<N, M> {
        let (sorted, _) = x.sort(descending = true);
        sorted
    }

    pub fn largest<N>(x: Tensor<N, 8>) -> Tensor<N, 2> {
        let (values, _) = x.topk(2);
        values
    }

    pub fn sums_so_far<N, M>(x: Tensor<N, M>) -> Tensor<N, M> {
        x.cumsum(0)
    }

    pub fn products_so_far<N>(x: Tensor<N>) -> Tensor<N> {
        x.cumprod(0)
    }

    pub fn grid<N, M>(x: Tensor<N>, y: Tensor<M>) -> Tensor<N, M> {
        let (a, b) = meshgrid([x, y], indexing = "ij");
        a * b.exp()
    }

    pub fn einsum_of_two<B, N, M, K>(x: Tensor<B, N, K>, y: Tensor<B, M, K>) -> Tensor<B, N, M> {
        einsum("bnk,bmk->bnm", x, y)
    }

    pub fn einsum_of_a_diagonal<N>(x: Tensor<N, N>) -> Tensor<N> {
        einsum("ii->i", x)
    }

    pub fn einsum_with_dots<S, D, E>(x: Tensor<[S], D>, w: Tensor<D, E>) -> Tensor<[S], E> {
        einsum("...d,de->...e", x, w)
    }

    pub fn einsum_of_three<N, R>(
        x: Tensor<N, 64>,
        y: Tensor<64, R>,
        z: Tensor<R, 2>,
    ) -> Tensor<N, 2> {
        einsum("nk,kr,ro->no", x, y, z)
    }

    pub fn rearranged<B, T, D>(x: Tensor<B, T, { 4 * D }>) -> Tensor<B, 4, T, D> {
        x.rearrange("b t (h d) -> b h t d", h = 4)
    }

    pub fn reduced<B, T, D>(x: Tensor<B, { 2 * T }, D>) -> Tensor<B, T, D> {
        x.reduce("b (t 2) d -> b t d", "max")
    }

    pub fn repeated<B, D, T>(x: Tensor<B, D>, _t: Tensor<T>) -> Tensor<B, T, D> {
        x.repeat("b d -> b t d", t = T)
    }

    pub fn potential<N>(x: Tensor<N>) -> Tensor {
        x.sin().square().sum()
    }

    pub fn gradient_inside<N>(x: Tensor<N>) -> Tensor<N> {
        grad(|x| potential(x), x)
    }

    pub fn gradient_of_a_gradient<N>(x: Tensor<N>) -> Tensor<N> {
        grad(|x| grad(|x| x.exp().sum(), x).square().sum(), x)
    }

    pub fn curve<N>(m: &Gain<N>, x: Tensor<N>) -> Tensor {
        (m.by * x * x).sum()
    }

    pub fn gradient_by_a_model<N>(m: &Gain<N>, x: Tensor<N>) -> Tensor<N> {
        grad(|m| curve(m, x), m).by * x
    }

    pub fn value_beside_a_gradient<N>(x: Tensor<N>) -> (Tensor, Tensor<N>) {
        value_and_grad(|x| potential(x), x)
    }

    pub fn vector_jacobian<N, M>(w: Tensor<N, M>, x: Tensor<N>, v: Tensor<M>) -> Tensor<N> {
        let (_, back) = vjp(|x| x.matmul(w).tanh(), x, v);
        back
    }

    pub fn jacobian_vector<N, M>(w: Tensor<N, M>, x: Tensor<N>, v: Tensor<N>) -> Tensor<M> {
        let (_, slope) = jvp(|x| x.matmul(w).tanh(), x, v);
        slope
    }

    pub fn mapped<B, N>(w: Tensor<N>, xs: Tensor<B, N>) -> Tensor<B> {
        vmap(|x| (x * w).sum().tanh(), xs)
    }

    pub fn mapped_gradients<B, N>(m: &Gain<N>, xs: Tensor<B, N>) -> Tensor<B, N> {
        vmap(|x| grad(|m| curve(m, x), m).by, xs)
    }

    pub fn computed_again<B, D>(w: Tensor<D, D>, x: Tensor<B, D>) -> Tensor<B, D> {
        checkpoint(|x| x.matmul(w).tanh().matmul(w).tanh(), x)
    }

    #[model(vjp = slope_of_what_is_not)]
    pub fn rounded<N>(x: Tensor<N>) -> Tensor<N> {
        x.round()
    }

    pub fn slope_of_what_is_not<N>(_x: Tensor<N>, by_result: Tensor<N>) -> Tensor<N> {
        by_result
    }

    pub fn rule_of_ones_own<N>(x: Tensor<N>) -> Tensor<N> {
        rounded(3 * x).square()
    }

    pub fn captured<N>(m: &Gain<N>, x: Tensor<N>) -> Tensor<N> {
        let h = capture("hidden", x * m.by);
        h.exp()
    }

    pub fn patched<N>(m: &Gain<N>, x: Tensor<N>) -> Tensor<N> {
        let h = patch("hidden", x * m.by);
        h.exp()
    }

    pub fn stopped<N>(x: Tensor<N>) -> Tensor<N> {
        x * x.stop_gradient()
    }

    pub fn halves<N, M>(x: Tensor<f16, N>, w: Tensor<bf16, N, M>) -> Tensor<f16, M> {
        let y = x.cast(f32).matmul(w.cast(f32));
        y.cast(f16)
    }

    pub fn integers_and_bits<N>(
        x: Tensor<i32, N>,
        y: Tensor<u32, N>,
    ) -> (Tensor<i32, N>, Tensor<u32, N>) {
        (2 * x + x % 3, (y << 3) ^ (y & 255))
    }

    pub fn doubles<N>(x: Tensor<N>, y: Tensor<f64, N>) -> Tensor<f64, N> {
        x.cast(f64) * y
    }
}
