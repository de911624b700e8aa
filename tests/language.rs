//! The page of the language: what it expands to, and that it runs.

#![deny(warnings, missing_docs)]

use sinew::prelude::*;

const HIDDEN: usize = 32;

#[model]
struct Digits {
    hidden: Linear<64, HIDDEN>,
    out: Linear<HIDDEN, 10>,
}

#[model]
fn logits<B>(m: &Digits, x: Tensor<B, 64>) -> Tensor<B, 10> {
    m.out.forward(m.hidden.forward(x).relu())
}

#[model]
fn loss<B>(m: &Digits, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(logits(m, x), y)
}

#[test]
fn the_page_trains() -> sinew::Result<()> {
    let model = Digits::init(42);
    let mut train = loss::train(model)
        .optimizer(AdamW::new(1e-2))
        .device(Device::cpu())
        .build()?;
    let predict = logits::attach(&train)?;
    let x = ndarray::Array2::from_shape_fn((20, 64), |(i, j)| ((i * 7 + j * 3) % 11) as f32 / 11.0);
    let y: Vec<i32> = (0..20).map(|i| i % 10).collect();
    let first = train.step(&x, &y)?.loss;
    let mut last = first;
    for _ in 0..60 {
        last = train.step(&x, &y)?.loss;
    }
    assert!(last < 0.5 * first, "{first} to {last}");
    let scores = predict.run(&x)?;
    assert_eq!(scores.shape(), [20, 10]);
    Ok(())
}

#[test]
fn the_ir_reads_like_the_source() {
    let expected = "\
fn @logits<B, const HIDDEN>(%m: Digits { hidden: Linear { w: param float[64, HIDDEN], b: param float[HIDDEN] }, \
out: Linear { w: param float[HIDDEN, 10], b: param float[10] } }, %x: float[B, 64]) -> float[B, 10] {
  %5 = call @Linear::forward<[S] = [B], I = 64, O = HIDDEN>(%m.hidden, %x) -> float[B, HIDDEN]
  %6 = relu %5
  %7 = call @Linear::forward<[S] = [B], I = HIDDEN, O = 10>(%m.out, %6) -> float[B, 10]
  return %7
}
";
    let (primal, pullback) = logits::IR.split_at(expected.len());
    assert_eq!(primal, expected);
    assert!(pullback.starts_with("pullback(%8: float[B, 10]) {"));
    // Of the calls, one is of a function with the same Rust const in its types.
    let whole = loss::pullback().expect("it has one");
    let first = "fn @loss<B>(%m: Digits { hidden: Linear { w: param float[64, 32], ";
    assert!(whole.starts_with(first), "{whole}");
    let signature = "fn logits<B>(m: &Digits, x: Tensor<B, 64>) -> Tensor<B, 10>\n";
    assert!(logits::signature().starts_with(signature));
}

/// A name is a local one behind its `let` only, and as far as its block.
mod scopes {
    use sinew::prelude::*;

    #[model]
    pub fn double<B>(x: Tensor<B>) -> Tensor<B> {
        x * 2
    }

    #[model]
    pub fn both<B>(x: Tensor<B>) -> Tensor<B> {
        let double = {
            let double = double(x);
            let relu = relu(double);
            relu
        };
        let x = relu(-x);
        double + x
    }
}

#[test]
fn locals_are_called_like_what_makes_them() -> sinew::Result<()> {
    assert_eq!(scopes::both([3.0f32, -1.0])?.to_vec(), [6.0, 1.0]);
    Ok(())
}

/// The share of right answers.
#[model]
fn accuracy<B>(scores: Tensor<B, 3>, y: Tensor<i32, B>) -> Tensor {
    let hits = (scores.argmax(-1) == y).cast(float);
    hits.mean() + 0 * zeros([B], float).sum()
}

#[test]
fn bools_become_working_floats() -> sinew::Result<()> {
    let scores = [[1.0f32, 0.0, 0.0], [0.0, 1.0, 0.0]];
    let y = [0, 2];
    assert_eq!(accuracy(scores, y)?, 0.5);
    let wide = accuracy::compile().precision(Precision::F64);
    assert_eq!(wide.build()?.run_f64(scores, y)?, 0.5);
    Ok(())
}

/// Relations of an impl hold in each of its methods, and its symbols are its own.
mod methods {
    use sinew::prelude::*;

    #[model(methods)]
    pub struct Heads<Width, Count> {
        #[init(ones)]
        pub w: Param<Width>,
        #[init(ones)]
        pub g: Param<Count>,
    }

    #[model(pub, where(E == H * 3))]
    impl<E, H> Heads<E, H> {
        pub fn apart<B>(&self, x: Tensor<B, E>, d: Tensor<3>) -> Tensor<B, H, 3> {
            (x * self.w).reshape([B, H, 3]) + d
        }
    }

    #[model(methods)]
    pub struct Swapped<I, O> {
        #[init(ones)]
        pub w: Param<{ I + O }>,
    }

    #[model(pub)]
    impl<O, I> Swapped<O, I> {
        pub fn first(&self, x: Tensor<O>) -> Tensor<{ O + I }> {
            concat([x, zeros([I])]) + self.w
        }
    }
}

#[test]
fn methods_have_symbols_of_their_own() -> sinew::Result<()> {
    let swapped = methods::Swapped::init(&methods::SwappedConfig { I: 2, O: 3 }, 0)?;
    let first = swapped.first([1.0f32, 1.0])?;
    assert_eq!(first.to_vec(), [2.0, 2.0, 1.0, 1.0, 1.0]);
    let heads = methods::Heads::init(&methods::HeadsConfig { Width: 6, Count: 2 }, 0)?;
    let apart = heads.apart([[1.0f32; 6]], [0.0, 1.0, 2.0])?;
    assert_eq!(apart.shape(), [1, 2, 3]);
    Ok(())
}

/// Names that are Rust's keywords.
mod raw {
    use sinew::prelude::*;

    #[model(methods)]
    pub struct Layer<r#In> {
        #[init(constant(3.0))]
        pub r#type: Param<r#In>,
    }

    #[model(pub)]
    impl<r#In> Layer<r#In> {
        pub fn r#match(&self, r#in: Tensor<r#In>) -> Tensor<r#In> {
            let r#fn = self.r#type * r#in;
            r#fn
        }
    }

    #[model]
    pub fn r#loop<N>(m: &Layer<N>, r#in: Tensor<N>) -> Tensor<N> {
        m.r#match(r#in) + Layer::r#match(m, r#in)
    }

    #[model]
    pub fn r#while<N>(r#mod: &Layer<N>, x: Tensor<N>) -> Tensor<N> {
        r#loop(r#mod, x)
    }
}

#[test]
fn raw_names_are_names() -> sinew::Result<()> {
    let layer = raw::Layer::init(&raw::LayerConfig { In: 1 }, 0)?;
    assert_eq!(raw::r#while(&layer, [2.0f32])?.to_vec(), [12.0]);
    assert_eq!(layer.r#match([2.0f32])?.to_vec(), [6.0]);
    assert!(!raw::r#loop::IR.contains("r#"), "{}", raw::r#loop::IR);
    Ok(())
}

/// Consts whose names are also those of what is emitted.
mod consts {
    use sinew::prelude::*;

    const HALF: usize = 32;
    const LEFT: usize = 4;
    const RIGHT: usize = 4;
    const UNIT: usize = 4;

    #[model(where(LEFT * 2 == RIGHT + UNIT))]
    pub fn halves(
        x: Tensor<{ 2 * HALF }>,
        y: Tensor<64>,
        l: Tensor<LEFT>,
        r: Tensor<RIGHT>,
    ) -> Tensor {
        (x * y).sum() + (l * r).sum() / UNIT
    }

    #[model(where(2 * A == 3 * B, H * D == G * K))]
    pub fn products<A, B, H, D, G, K>(
        x: Tensor<{ 2 * A }, { H * D }>,
        y: Tensor<{ 3 * B }, { G * K }>,
        a: (Tensor<A>),
        b: Tensor<B>,
        h: Tensor<H, D>,
        g: Tensor<G, K>,
    ) -> Tensor {
        (x + y).sum() + a.sum() + b.sum() + h.sum() + g.sum()
    }

    const COUNT: usize = 7;
    const SHARE: f32 = 7.0;

    #[model]
    pub fn quotients<B>(x: Tensor<B>) -> (Tensor<B>, Tensor<B>, Tensor<B>, Tensor<B>) {
        (
            x * (B / 2),
            x * (COUNT / 2),
            x * (SHARE / 2),
            x * (B / COUNT),
        )
    }

    #[model]
    pub fn sizes<B>(x: Tensor<B, 4>) -> Tensor<{ B * 2 }, 2> {
        let n = B * 2;
        let two = 2;
        return x.reshape([n, two]);
    }
}

#[test]
fn consts_are_equal_where_rustc_says_so() -> sinew::Result<()> {
    let sum = consts::halves([1.0f32; 64], [2.0f32; 64], [1.0f32; 4], [1.0f32; 4])?;
    assert_eq!(sum, 129.0);
    let x = ndarray::Array2::<f32>::ones((6, 4));
    let (a, b) = ([0.0f32; 3], [0.0f32; 2]);
    let (h, g) = ([[0.0f32; 2]; 2], [[0.0f32; 4]]);
    assert_eq!(consts::products(&x, &x, a, b, h, g)?, 48.0);
    let wrong = consts::products(&x, &x, [0.0f32; 2], b, h, g);
    assert!(wrong.is_err());
    Ok(())
}

#[test]
fn sizes_divide_as_integers() -> sinew::Result<()> {
    let (b, count, share, both) = consts::quotients([1.0f32; 15])?;
    assert_eq!((b[0], count[0], share[0], both[0]), (7.0, 3.0, 3.5, 2.0));
    assert_eq!(consts::sizes([[1.0f32; 4]; 3])?.shape(), [6, 2]);
    Ok(())
}

/// `Self` leads to the struct's own consts.
mod owner {
    use sinew::prelude::*;

    #[model(methods)]
    pub struct Norm {
        #[init(ones)]
        g: Param<{ Self::WIDTH }>,
    }

    impl Norm {
        const WIDTH: usize = 3;
        const EPS: f32 = 0.5;
    }

    #[model(pub)]
    impl Norm {
        pub fn forward<S>(&self, x: Tensor<[S], { Self::WIDTH }>) -> Tensor<[S], { Self::WIDTH }> {
            Self::scaled(self, x) + Self::EPS
        }
        fn scaled<S>(&self, x: Tensor<[S], { Self::WIDTH }>) -> Tensor<[S], { Self::WIDTH }> {
            x * self.g
        }
    }
}

#[test]
fn consts_of_the_struct_are_reached() -> sinew::Result<()> {
    let y = owner::Norm::init(0).forward([1.0f32, 2.0, 3.0])?;
    assert_eq!(y.into_raw_vec_and_offset().0, [1.5, 2.5, 3.5]);
    Ok(())
}

/// A configured size that no leaf has is checked where it is declared.
mod configured {
    use sinew::prelude::*;

    #[model]
    pub struct Attention<E, H> {
        #[init(ones)]
        w: Param<E>,
    }

    #[model(where(H == 2 * K))]
    pub fn heads<E, H, K>(m: &Attention<E, H>, x: Tensor<E>, k: Tensor<K>) -> Tensor {
        (m.w * x).sum() + k.sum()
    }

    #[model(where(H == 2 * K))]
    pub fn through<E, H, K>(m: &Attention<E, H>, x: Tensor<E>, k: Tensor<K>) -> Tensor {
        heads(m, x, k)
    }
}

#[test]
fn configuration_keeps_its_relations() -> sinew::Result<()> {
    let sizes = configured::AttentionConfig { E: 1, H: 6 };
    let m = configured::Attention::init(&sizes, 0)?;
    assert_eq!(configured::through(&m, [1.0f32], [1.0f32; 3])?, 4.0);
    assert!(configured::heads(&m, [1.0f32], [1.0f32; 4]).is_err());
    assert!(configured::through(&m, [1.0f32], [1.0f32; 4]).is_err());
    Ok(())
}
