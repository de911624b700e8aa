//! Model items find each other along every path that Rust has.

#![deny(warnings, missing_docs, unused)]

use sinew::prelude::*;

/// A size in another module than its users.
pub mod cfg {
    /// Width.
    pub const WIDTH: usize = 6;
    /// As wide, by another name.
    pub const SAME: usize = 6;
}

/// Layers.
pub mod nn {
    use sinew::prelude::*;

    /// Two maps; the first is private.
    #[model(methods)]
    pub struct Two<O> {
        inner: Hidden,
        /// The second one.
        pub out: Linear<{ crate::cfg::WIDTH }, O>,
    }

    #[model]
    struct Hidden {
        #[init(normal(0.5))]
        w: Param<4, { super::cfg::SAME }>,
    }

    #[model]
    fn hidden<B>(m: &Hidden, x: Tensor<B, 4>) -> Tensor<B, { super::cfg::WIDTH }> {
        matmul(x, m.w)
    }

    #[model(pub)]
    impl<O> Two<O> {
        /// Both.
        pub fn forward<B>(&self, x: Tensor<B, 4>) -> Tensor<B, O> {
            self.out.forward(self::hidden(&self.inner, x).tanh())
        }
    }

    /// As in the other module, by name only.
    #[model]
    pub fn act<S>(x: Tensor<[S]>) -> Tensor<[S]> {
        x.relu()
    }

    /// Seen inside the crate.
    pub(crate) mod deep {
        use sinew::prelude::*;

        #[model]
        pub(in crate::nn) fn hid<B>(x: Tensor<B>) -> Tensor<B> {
            super::act(x)
        }
        #[model]
        pub(crate) fn twice<B>(x: Tensor<B>) -> Tensor<B> {
            hid(hid(x)) * 2
        }
    }
}

mod other {
    use super::*;

    #[model]
    pub fn act<S>(x: Tensor<[S]>) -> Tensor<[S]> {
        -x
    }
}

mod reexports {
    pub(super) use super::nn::deep::*;
    pub use super::nn::{Two as Pair, act as relu_like};
    pub mod again {
        pub use super::super::other::*;
    }
}

use reexports::again::*;

/// Calls a function that is defined below it, one of a glob of a re-export, and one by a path.
#[model]
pub fn before<B>(x: Tensor<B>) -> Tensor<B> {
    after(act(x)) + crate::nn::act(x) + reexports::relu_like(reexports::twice(x))
}

#[model]
fn after<B>(x: Tensor<B>) -> Tensor<B> {
    x.exp()
}

#[model]
struct Net {
    pair: reexports::Pair<3>,
}

#[model]
fn net<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 3> {
    reexports::Pair::forward(&m.pair, x) + m.pair.forward(x) - m.pair.out.b
}

#[model]
mod all_at_once {
    pub struct Scale<D> {
        #[init(constant(2.0))]
        g: Param<D>,
    }
    impl<D> Scale<D> {
        pub fn forward<S>(&self, x: Tensor<[S], D>) -> Tensor<[S], D> {
            helper(x) * self.g
        }
    }
    fn helper<S>(x: Tensor<[S]>) -> Tensor<[S]> {
        x + 1
    }
    pub fn scaled<B>(m: &Scale<5>, x: Tensor<B, 5>) -> Tensor<B, 5> {
        m.forward(x)
    }
    use sinew::prelude::*;
}

#[cfg(not(target_os = "psp"))]
#[model]
#[cfg(not(target_os = "none"))]
fn conditional<B>(x: Tensor<B>) -> Tensor<B> {
    x * 3
}

macro_rules! made {
    ($name:ident, $by:literal) => {
        #[model]
        fn $name<B>(x: Tensor<B>) -> Tensor<B> {
            conditional(x) * $by
        }
    };
}
made!(six, 2);
made!(nine, 3);

#[test]
fn functions_compute_through_every_path() -> sinew::Result<()> {
    let x = [0.5f32, -1.0, 2.0];
    let y = before(x)?;
    for (x, y) in x.into_iter().zip(y) {
        let relu = x.max(0.0);
        let expected = (-x).exp() + relu + 2.0 * relu;
        assert!((y - expected).abs() < 1e-5, "{x}: {y} for {expected}");
    }
    assert_eq!(six(x)?.to_vec(), [3.0, -6.0, 12.0]);
    assert_eq!(nine(x)?.to_vec(), [4.5, -9.0, 18.0]);
    let m = all_at_once::Scale::init(&all_at_once::ScaleConfig { D: 5 }, 0)?;
    let y = all_at_once::scaled(&m, [[1.0f32, 2.0, 3.0, 4.0, 5.0]])?;
    assert_eq!(y.into_raw_vec_and_offset().0, [4.0, 6.0, 8.0, 10.0, 12.0]);
    Ok(())
}

#[test]
fn methods_of_private_children_are_reached() -> sinew::Result<()> {
    let mut m = Net::init(3);
    assert_eq!(m.pair.out.w.shape(), [6, 3]);
    // What is left is linear.
    m.pair.out.b.fill(0.0);
    let y = net(&m, [[0.1f32, 0.2, 0.3, 0.4]])?;
    let once = m.pair.forward([[0.1f32, 0.2, 0.3, 0.4]])?;
    for (y, once) in y.iter().zip(&once) {
        assert!((y - 2.0 * once).abs() < 1e-5);
    }
    let mut paths = Vec::new();
    m.visit("", &mut |path, _| paths.push(path.to_string()));
    assert_eq!(paths, ["pair.inner.w", "pair.out.w", "pair.out.b"]);
    Ok(())
}

#[test]
fn items_live_in_function_bodies() -> sinew::Result<()> {
    const N: usize = 2;
    #[model]
    struct Local {
        #[init(ones)]
        w: Param<N>,
    }
    #[model]
    fn inner(m: &Local, x: Tensor<N>) -> Tensor<N> {
        m.w * x
    }
    #[model]
    fn outer(m: &Local, x: Tensor<N>) -> Tensor<N> {
        inner(m, other::act(x))
    }
    {
        #[model]
        fn innermost(m: &Local, x: Tensor<2>) -> Tensor<2> {
            outer(m, x) - N
        }
        let y = innermost(&Local::init(0), [1.0f32, 2.0])?;
        assert_eq!(y.to_vec(), [-3.0, -4.0]);
    }
    Ok(())
}

/// 130 functions, and one that calls them all: more than a chain may have. Each has a const of its own
/// that must equal all others.
mod many {
    use sinew::prelude::*;
    const ONE: usize = 1;
    macro_rules! many {
        ($($name:ident)*) => {
            $(#[model]
            fn $name(x: Tensor<ONE>) -> Tensor<ONE> {
                x + 1
            })*
            #[model]
            pub fn all(x: Tensor<ONE>) -> Tensor<ONE> {
                $(let x = $name(x);)*
                x
            }
        };
    }
    many! {
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9
        d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
        g0 g1 g2 g3 g4 g5 g6 g7 g8 g9 h0 h1 h2 h3 h4 h5 h6 h7 h8 h9 o0 o1 o2 o3 o4 o5 o6 o7 o8 o9
        j0 j1 j2 j3 j4 j5 j6 j7 j8 j9 k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 l0 l1 l2 l3 l4 l5 l6 l7 l8 l9
        m0 m1 m2 m3 m4 m5 m6 m7 m8 m9
    }
}

#[test]
fn long_chains_are_bundled() -> sinew::Result<()> {
    assert_eq!(many::all([0.0f32])?.to_vec(), [130.0]);
    Ok(())
}

/// Operations by their paths, and a module that is called like one of Rust's own crates.
mod paths {
    use sinew::ops;

    mod core {
        use sinew::prelude::*;

        #[model]
        pub fn act<B>(x: Tensor<B>) -> Tensor<B> {
            x + 1
        }

        #[model]
        pub fn relu<B>(x: Tensor<B>) -> Tensor<B> {
            x * 10
        }
    }

    #[sinew::model]
    pub fn all<B>(x: sinew::Tensor<B>) -> ops::Tensor<B> {
        let y: sinew::Tensor<B> = sinew::ops::relu(x);
        let z = ops::maximum(core::act(y), 0);
        core::relu(z)
    }
}

#[test]
fn operations_are_called_by_path() -> sinew::Result<()> {
    assert_eq!(paths::all([-1.0f32, 1.0])?.to_vec(), [10.0, 20.0]);
    Ok(())
}

/// Without Rust's prelude, and with the library by another path; modules in modules.
#[model(crate = ::sinew)]
mod bare {
    #![no_implicit_prelude]
    use ::sinew::prelude::*;

    pub struct Scale<N> {
        #[init(constant(2.0))]
        g: Param<N>,
    }
    impl<N> Scale<N> {
        pub fn forward(&self, x: Tensor<N>) -> Tensor<N> {
            inner::twice(x) * self.g
        }
    }
    mod inner {
        use ::sinew::prelude::*;

        pub fn twice<N>(x: Tensor<N>) -> Tensor<N> {
            x * 2
        }
    }
}

macro_rules! shaped {
    ($name:ident, $owner:ty, $dim:ty, $size:expr) => {
        #[model]
        fn $name<B>(x: $owner, y: Tensor<$dim, { $size }>) -> Tensor<B> {
            let n = $size;
            x + y.sum(-1) * (n)
        }
    };
}
shaped!(grouped, Tensor<B>, B, 3);

#[test]
fn fragments_and_bare_modules_compute() -> sinew::Result<()> {
    let m = bare::Scale::init(&bare::ScaleConfig { N: 1 }, 0)?;
    assert_eq!(m.forward([1.0f32])?.to_vec(), [4.0]);
    assert_eq!(grouped([1.0f32], [[1.0f32, 1.0, 1.0]])?.to_vec(), [10.0]);
    Ok(())
}
