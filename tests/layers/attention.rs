//! Attention: against its formula and PyTorch's values, with caches step by step, in blocks.

use super::{agree, array, close, places, scattered};
use ndarray::{Array2, Array3, Array4, s};
use sinew::nn::{
    Activation, DotProductAttention, DotProductAttentionConfig, KeyValueCache, KeyValueCacheConfig,
    MultiHeadAttention, MultiHeadAttentionConfig, MultiHeadAttentionNoBias,
    MultiHeadAttentionNoBiasConfig, TransformerBlock, TransformerBlockConfig,
};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::nn::{
        Activation, DotProductAttention, KeyValueCache, MultiHeadAttention,
        MultiHeadAttentionNoBias, TransformerBlock,
    };
    use sinew::prelude::*;

    pub fn product<B, H, T, S, K>(
        m: &DotProductAttention,
        q: Tensor<B, H, T, K>,
        k: Tensor<B, H, S, K>,
        v: Tensor<B, H, S, K>,
    ) -> Tensor<B, H, T, K> {
        m.forward(q, k, v)
    }

    #[model(where(D == Heads * (D / Heads)))]
    pub fn own<B, T, D, Heads>(m: &MultiHeadAttention<D, Heads>, x: Tensor<B, T, D>) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.forward(x).square().sum()
    }

    #[model(where(D == Heads * (D / Heads)))]
    pub fn cross<B, T, S, D, Heads>(
        m: &MultiHeadAttention<D, Heads>,
        x: Tensor<B, T, D>,
        memory: Tensor<B, S, D>,
    ) -> Tensor {
        let slopes = grad(|x, memory| m.cross(x, memory).tanh().sum(), x, memory);
        slopes.0.square().sum() + slopes.1.square().sum() + m.cross(x, memory).square().sum()
    }

    #[model(where(D == Heads * (D / Heads)))]
    pub fn without<B, T, S, D, Heads>(
        m: &MultiHeadAttentionNoBias<D, Heads>,
        x: Tensor<B, T, D>,
        memory: Tensor<B, S, D>,
    ) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.cross(x, memory).square().sum()
    }

    #[model(where(D == Heads * (D / Heads)))]
    pub fn whole<B, T, D, Heads>(
        m: &MultiHeadAttention<D, Heads>,
        x: Tensor<B, T, D>,
    ) -> Tensor<B, T, D> {
        m.forward(x)
    }

    #[model(where(D == Heads * (D / Heads)))]
    pub fn crossed<B, T, S, D, Heads>(
        m: &MultiHeadAttention<D, Heads>,
        x: Tensor<B, T, D>,
        memory: Tensor<B, S, D>,
    ) -> Tensor<B, T, D> {
        m.cross(x, memory)
    }

    #[model(where(D == Heads * (D / Heads)))]
    pub fn block<B, T, D, Heads, F>(
        m: &TransformerBlock<D, Heads, F>,
        x: Tensor<B, T, D>,
    ) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.forward(x).square().sum()
    }

    /// A small model of words.
    pub struct Gpt<Layers> {
        #[init(normal(0.5))]
        pub words: Param<7, 8>,
        #[init(normal(0.5))]
        pub places: Param<16, 8>,
        pub blocks: [TransformerBlock<8, 2, 16>; Layers],
        pub out: Linear<8, 7>,
        #[default(Gelu)]
        pub activation: Activation,
        #[default(true)]
        pub causal: bool,
    }

    pub struct Caches<B, T, Layers> {
        pub layers: [KeyValueCache<B, T, 8>; Layers],
    }

    /// The scores of each next word.
    #[model(where(T <= 16))]
    pub fn scores<B, T, Layers>(m: &Gpt<Layers>, words: Tensor<i32, B, T>) -> Tensor<B, T, 7> {
        let mut x = m.words.take(words, 0) + m.places[0..T];
        for block in &m.blocks {
            x = block.forward(x);
        }
        m.out.forward(x)
    }

    /// The scores of the next word, and the best one, after one more.
    pub fn next<B, T, Layers>(
        m: &Gpt<Layers>,
        caches: &Caches<B, T, Layers>,
        word: Tensor<i32, B>,
        place: Tensor<i32>,
    ) -> (Tensor<B, 7>, Tensor<i32, B>) {
        let mut x = m.words.take(word, 0) + m.places.take(place, 0);
        for (block, cache) in m.blocks.iter().zip(&caches.layers) {
            x = block.step(x, cache);
        }
        let scores = m.out.forward(x);
        (scores, scores.argmax(-1))
    }
}

fn flat<D: ndarray::Dimension>(x: &ndarray::Array<f64, D>) -> Vec<f64> {
    x.iter().copied().collect()
}

/// The mean of the values by the softmax of the products, one query at a time.
fn attended(q: &Array4<f64>, k: &Array4<f64>, v: &Array4<f64>, causal: bool) -> Array4<f64> {
    let (batch, heads, queries, features) = q.dim();
    let keys = k.dim().2;
    let mut y = Array4::zeros((batch, heads, queries, v.dim().3));
    for b in 0..batch {
        for h in 0..heads {
            for t in 0..queries {
                let seen = if causal { keys.min(t + 1) } else { keys };
                let score = |s: usize| -> f64 {
                    let products = (0..features).map(|i| q[(b, h, t, i)] * k[(b, h, s, i)]);
                    (products.sum::<f64>() / (features as f64).sqrt()).exp()
                };
                let total: f64 = (0..seen).map(score).sum();
                for s in 0..seen {
                    for i in 0..v.dim().3 {
                        y[(b, h, t, i)] += score(s) / total * v[(b, h, s, i)];
                    }
                }
            }
        }
    }
    y
}

#[test]
fn attention_is_its_formula() -> sinew::Result<()> {
    let q: Array4<f64> = array(1, [2, 2, 3, 4]);
    let (k, v): (Array4<f64>, Array4<f64>) = (array(2, [2, 2, 5, 4]), array(3, [2, 2, 5, 4]));
    for causal in [false, true] {
        let config = DotProductAttentionConfig {
            causal,
            dropout: 0.0,
        };
        let m = DotProductAttention::init(&config, 0)?;
        for ((device, precision), tolerance) in places() {
            let run = net::product::compile(m.clone())
                .device(device)
                .precision(precision);
            let found = run.build()?.run_f64(&q, &k, &v)?;
            close(
                "attention",
                &flat(&found),
                &flat(&attended(&q, &k, &v, causal)),
                tolerance,
            );
        }
    }
    Ok(())
}

/// Heads of `[B, T, D]`, as PyTorch takes them: parts of the features side by side.
fn heads(x: &Array3<f64>, from: usize, heads: usize, features: usize) -> Array4<f64> {
    let (batch, times, _) = x.dim();
    Array4::from_shape_fn((batch, heads, times, features), |(b, h, t, i)| {
        x[(b, t, from + h * features + i)]
    })
}

/// The last axis by a matrix, and a vector added.
fn mapped(x: &Array3<f64>, w: &Array2<f64>, b: &[f64]) -> Array3<f64> {
    let (batch, times, features) = x.dim();
    Array3::from_shape_fn((batch, times, w.ncols()), |(n, t, o)| {
        (0..features).map(|i| x[(n, t, i)] * w[(i, o)]).sum::<f64>() + b[o]
    })
}

#[test]
fn heads_are_parts_of_the_features() -> sinew::Result<()> {
    let (x, memory): (Array3<f64>, Array3<f64>) = (array(1, [2, 3, 6]), array(2, [2, 5, 6]));
    for causal in [false, true] {
        let config = MultiHeadAttentionConfig {
            D: 6,
            Heads: 2,
            causal,
            dropout: 0.0,
        };
        let m = scattered(MultiHeadAttention::init(&config, 0)?);
        let matrix =
            |p: &Param| -> Array2<f64> { p.values_f64().into_dimensionality().expect("a matrix") };
        let vector = |p: &Param| -> Vec<f64> { p.values_f64().iter().copied().collect() };
        let (w_in, b_in) = (matrix(&m.w_in), vector(&m.b_in));
        let expected = |memory: &Array3<f64>| {
            let (q, kv) = (mapped(&x, &w_in, &b_in), mapped(memory, &w_in, &b_in));
            let y = attended(
                &heads(&q, 0, 2, 3),
                &heads(&kv, 6, 2, 3),
                &heads(&kv, 12, 2, 3),
                causal,
            );
            let merged = Array3::from_shape_fn((2, 3, 6), |(b, t, i)| y[(b, i / 3, t, i % 3)]);
            flat(&mapped(&merged, &matrix(&m.w_out), &vector(&m.b_out)))
        };
        for ((device, precision), tolerance) in places() {
            let run = net::whole::compile(m.clone())
                .device(device.clone())
                .precision(precision);
            let found = run.build()?.run_f64(&x)?;
            close("its own sequence", &flat(&found), &expected(&x), tolerance);
            let run = net::crossed::compile(m.clone())
                .device(device)
                .precision(precision);
            let found = run.build()?.run_f64(&x, &memory)?;
            close(
                "another sequence",
                &flat(&found),
                &expected(&memory),
                tolerance,
            );
        }
    }
    Ok(())
}

#[test]
fn gradients_are_differences() -> sinew::Result<()> {
    let (x, memory): (Array3<f64>, Array3<f64>) = (array(1, [2, 3, 6]), array(2, [2, 2, 6]));
    let config = MultiHeadAttentionConfig {
        D: 6,
        Heads: 2,
        causal: true,
        dropout: 0.0,
    };
    agree!(net::own, MultiHeadAttention::init(&config, 0)?, &x)?;
    let config = MultiHeadAttentionConfig {
        D: 6,
        Heads: 3,
        causal: false,
        dropout: 0.0,
    };
    agree!(
        net::cross,
        MultiHeadAttention::init(&config, 0)?,
        &x,
        &memory
    )?;
    let config = MultiHeadAttentionNoBiasConfig {
        D: 6,
        Heads: 3,
        causal: false,
        dropout: 0.0,
    };
    agree!(
        net::without,
        MultiHeadAttentionNoBias::init(&config, 0)?,
        &x,
        &memory
    )?;
    let config = TransformerBlockConfig {
        D: 6,
        Heads: 2,
        F: 4,
        activation: Activation::Gelu,
        causal: true,
        dropout: 0.0,
        eps: 1e-5,
    };
    agree!(net::block, TransformerBlock::init(&config, 0)?, &x)
}

fn gpt() -> sinew::Result<net::Gpt> {
    let config = net::GptConfig {
        Layers: 3,
        activation: Activation::Gelu,
        causal: true,
    };
    net::Gpt::init(&config, 7)
}

/// A sampling loop: one program, whose caches stay on the device, gives what the whole sequence gives.
#[test]
fn steps_with_caches_are_the_whole_sequence() -> sinew::Result<()> {
    let words = ndarray::array![[1, 5, 0, 3, 6, 2], [4, 4, 2, 0, 1, 3]];
    for ((device, precision), tolerance) in places() {
        let run = net::scores::compile(gpt()?)
            .device(device.clone())
            .precision(precision);
        let whole = run.build()?.run_f64(&words)?;
        let caches = net::Caches::init(
            &net::CachesConfig {
                B: 2,
                T: 8,
                Layers: 3,
            },
            0,
        )?;
        let next = net::next::compile(gpt()?, caches)
            .device(device)
            .precision(precision);
        let next = next.build()?;
        for t in 0..6 {
            let (scores, best) = next.run_f64(words.column(t), t as i32)?;
            let expected = whole.slice(s![.., t, ..]).to_owned();
            close("scores", &flat(&scores), &flat(&expected), tolerance);
            assert_eq!(best.len(), 2);
        }
    }
    Ok(())
}

/// Words that the model itself gives, one after the other, are the best ones of the sequence that they make.
#[test]
fn a_model_samples_from_its_own_words() -> sinew::Result<()> {
    let caches = net::Caches::init(
        &net::CachesConfig {
            B: 1,
            T: 16,
            Layers: 3,
        },
        0,
    )?;
    let next = net::next::compile(gpt()?, caches).build()?;
    let mut words = vec![3];
    for t in 0..10 {
        let (_, best) = next.run([words[t]], t as i32)?;
        words.push(best[0]);
    }
    let row = ndarray::aview1(&words).insert_axis(ndarray::Axis(0));
    let whole = net::scores::compile(gpt()?).build()?.run(row)?;
    for t in 0..10 {
        let row = whole.slice(s![0, t, ..]);
        let best = (0..7).max_by(|a, b| row[*a].total_cmp(&row[*b]));
        assert_eq!(best, usize::try_from(words[t + 1]).ok(), "{words:?}");
    }
    Ok(())
}

/// What a sequence has behind an element changes nothing where attention is causal.
#[test]
fn causal_blocks_do_not_see_ahead() -> sinew::Result<()> {
    let scores = net::scores::compile(gpt()?)
        .precision(Precision::F64)
        .build()?;
    let first = scores.run_f64([[1, 2, 3, 4]])?;
    let second = scores.run_f64([[1, 2, 6, 0]])?;
    let seen = s![.., ..2, ..];
    assert_eq!(first.slice(seen), second.slice(seen));
    assert_ne!(first, second);
    Ok(())
}

/// A cache tells how many elements it has.
#[test]
fn caches_count() -> sinew::Result<()> {
    #[model]
    fn seen<B, T>(
        m: &MultiHeadAttention<4, 2>,
        cache: &KeyValueCache<B, T, 4>,
        x: Tensor<B, 4>,
    ) -> (Tensor<B, 4>, Tensor<i32>) {
        let y = m.step(x, cache);
        (y, cache.place())
    }
    let config = MultiHeadAttentionConfig {
        D: 4,
        Heads: 2,
        causal: true,
        dropout: 0.0,
    };
    let m = MultiHeadAttention::init(&config, 0)?;
    let cache = KeyValueCache::init(&KeyValueCacheConfig { B: 1, T: 4, D: 4 }, 0)?;
    let run = seen::compile(m, cache).build()?;
    for i in 1..4 {
        assert_eq!(run.run([[0.5; 4]])?.1, i);
    }
    Ok(())
}
