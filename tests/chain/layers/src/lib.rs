//! First of three crates: layers, some of whose parts stay private.

#![deny(warnings, missing_docs, unused, nonstandard_style, rust_2018_idioms)]

use sinew::prelude::*;

/// The width that every layer here has.
pub const WIDTH: usize = 16;

/// The factor of [`scaled()`].
pub const FACTOR: f64 = 0.25;

/// The elements, each by [`FACTOR`].
#[model]
pub fn scaled<S>(x: Tensor<[S]>) -> Tensor<[S]> {
    x * FACTOR
}

mod scale {
    use sinew::prelude::*;

    /// A factor for each feature: public in a private module.
    #[model(methods)]
    pub struct Scale<D> {
        #[init(ones)]
        factor: Param<D>,
    }

    #[model]
    impl<D> Scale<D> {
        /// The features, each by its factor.
        pub fn forward<S>(&self, x: Tensor<[S], D>) -> Tensor<[S], D> {
            x * self.factor
        }
    }
}

pub use scale::Scale as Factors;

#[model(methods)]
struct Secret {
    #[init(constant(0.5))]
    shift: Param<WIDTH>,
}

#[model]
impl Secret {
    fn apply<S>(&self, x: Tensor<[S], WIDTH>) -> Tensor<[S], WIDTH> {
        private(x) + self.shift
    }
}

#[model]
fn private<S>(x: Tensor<[S]>) -> Tensor<[S]> {
    x.tanh()
}

/// A map to [`WIDTH`] features, a private layer, and factors.
#[model(methods)]
pub struct Block<I> {
    /// The map.
    pub map: Linear<I, WIDTH>,
    secret: Secret,
    /// The factors.
    pub factors: Factors<WIDTH>,
}

#[model(pub)]
impl<I> Block<I> {
    /// The features of `x`.
    pub fn forward<B>(&self, x: Tensor<B, I>) -> Tensor<B, WIDTH> {
        self.factors.forward(self.secret.apply(self.map.forward(x)))
    }
}

/// How often the greatest score is that of the label.
#[model(no_derivative = "it counts")]
pub fn accuracy<B, C>(x: Tensor<B, C>, y: Tensor<i32, B>) -> Tensor {
    (x.argmax(1) == y).cast(float).mean()
}

/// Private, and the derivative of something public.
#[model]
fn through<S>(x: Tensor<[S]>, g: Tensor<[S]>) -> Tensor<[S]> {
    g + 0.0 * x
}

/// The elements, within -1 and 1; their cotangents go through as they are.
#[model(vjp = through)]
pub fn bounded<S>(x: Tensor<[S]>) -> Tensor<[S]> {
    x.clamp(-1.0, 1.0)
}

/// Activations.
pub mod smooth {
    use sinew::prelude::*;

    /// As in [`crate::sharp`], by name only.
    #[model]
    pub fn act<S>(x: Tensor<[S]>) -> Tensor<[S]> {
        x.silu()
    }
}

/// Other activations.
pub mod sharp {
    use sinew::prelude::*;

    /// As in [`crate::smooth`], by name only.
    #[model]
    pub fn act<S>(x: Tensor<[S]>) -> Tensor<[S]> {
        x.relu()
    }
}
