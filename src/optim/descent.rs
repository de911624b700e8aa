//! A rule at a learning rate.

use crate::optim::{Optimizer, UpdateRule};

/// An update rule at a learning rate, with clipping of gradients: what a trainer is given.
///
/// The optimizers of this library are this with rules of theirs, made by their `new`: [`Sgd`](crate::optim::Sgd),
/// [`Adam`](crate::optim::Adam) and others. One of your own is made by [`Descent::by`]; [`UpdateRule`] has an example.
#[derive(Debug, Clone, PartialEq)]
pub struct Descent<R> {
    /// The rule's settings.
    pub rule: R,
    learning_rate: f64,
    clip_norm: Option<f64>,
    clip_value: Option<f64>,
}

impl<R: UpdateRule> Descent<R> {
    /// By a rule, at a learning rate.
    pub fn by(rule: R, learning_rate: f64) -> Descent<R> {
        Descent {
            rule,
            learning_rate,
            clip_norm: None,
            clip_value: None,
        }
    }

    /// Scales all gradients together by `min(1, greatest / (norm + 1e-6))`, norm being the Euclidean norm over all
    /// of them. The norm before that is [`Step::grad_norm`](crate::Step::grad_norm).
    pub fn clip_grad_norm(mut self, greatest: f64) -> Descent<R> {
        self.clip_norm = Some(greatest);
        self
    }

    /// Brings each element of the gradients between `-greatest` and `greatest`, before their norm is taken.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Line {
    /// #     #[init(zeros)]
    /// #     slope: Param,
    /// # }
    /// # #[model]
    /// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    /// #     mse(line.slope * x, y)
    /// # }
    /// let optimizer = Sgd::new(0.5).clip_grad_value(3.0);
    /// let mut train = loss::train(Line::init(0)).optimizer(optimizer).build()?;
    /// train.step([1.0], [2.0])?; // the gradient is -4
    /// assert_eq!(train.model()?.slope.item()?, 1.5);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn clip_grad_value(mut self, greatest: f64) -> Descent<R> {
        self.clip_value = Some(greatest);
        self
    }
}

impl<R: UpdateRule> From<Descent<R>> for Optimizer {
    fn from(descent: Descent<R>) -> Optimizer {
        Optimizer::new(descent.rule, descent.learning_rate)
            .clip_grad_norm(descent.clip_norm)
            .clip_grad_value(descent.clip_value)
    }
}
