//! RMSprop.

use crate::optim::{Descent, Limit, Moment, UpdateRule};
use crate::{Tensor, model};

/// RMSprop (Hinton, "Neural networks for machine learning", lecture 6, 2012): `v = alpha v + (1 - alpha) g²`,
/// `p -= rate * g / (sqrt(v) + epsilon)`.
///
/// Centred, `v - mean²` takes v's place, with `mean = alpha mean + (1 - alpha) g`. With momentum
/// `b = momentum * b + g / (sqrt(v) + epsilon)` takes the place of the quotient. Formulas and defaults are those of
/// `torch.optim.RMSprop`.
///
/// ```
/// # use sinew::prelude::*;
/// use sinew::optim::RmsProp;
/// # #[model]
/// # struct Line {
/// #     #[init(zeros)]
/// #     slope: Param,
/// # }
/// # #[model]
/// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
/// #     mse(line.slope * x, y)
/// # }
///
/// let mut train = loss::train(Line::init(0)).optimizer(RmsProp::new(0.1).alpha(0.75)).build()?;
/// train.step([1.0], [2.0])?; // the gradient is -4, its mean square 4
/// assert!((train.model()?.slope.item()? - 0.1 * 4.0 / 2.0).abs() < 1e-6);
/// # Ok::<(), sinew::Error>(())
/// ```
pub type RmsProp = Descent<RmsPropRule>;

/// The settings of [`RmsProp`].
#[model]
#[derive(Debug, PartialEq)]
pub struct RmsPropRule {
    /// How slowly the mean of the squares forgets.
    pub alpha: f64,
    /// What is added to the divisor.
    pub epsilon: f64,
    /// The part of the last direction that is kept.
    pub momentum: f64,
    /// Whether the mean of the gradients is taken off their squares.
    pub centered: bool,
    /// L2 regularisation, added to the gradient.
    pub weight_decay: f64,
}

#[model]
pub fn rms_prop<S>(
    rule: &RmsPropRule,
    p: Tensor<[S]>,
    g: Tensor<[S]>,
    v: Tensor<[S]>,
    mean: Tensor<[S]>,
    momentum: Tensor<[S]>,
    rate: Tensor,
    new: Tensor,
) -> (Tensor<[S]>, Tensor<[S]>, Tensor<[S]>, Tensor<[S]>) {
    let g = if rule.weight_decay > 0 {
        g + rule.weight_decay * p
    } else {
        g
    };
    let v = rule.alpha * v + new * g.square();
    let mean = if rule.centered {
        rule.alpha * mean + new * g
    } else {
        mean
    };
    let spread = if rule.centered { v - mean.square() } else { v };
    let direction = g / (spread.sqrt() + rule.epsilon);
    let momentum = if rule.momentum > 0 {
        rule.momentum * momentum + direction
    } else {
        momentum
    };
    let direction = if rule.momentum > 0 {
        momentum
    } else {
        direction
    };
    (p - rate * direction, v, mean, momentum)
}

impl UpdateRule for RmsPropRule {
    type Update = rms_prop;

    fn number(&self, name: &str, at: Moment) -> Option<f64> {
        match name {
            "rate" => Some(at.rate),
            "new" => Some(1.0 - self.alpha),
            _ => None,
        }
    }

    fn limits(&self) -> Vec<Limit> {
        vec![
            Limit::below_one("alpha", self.alpha),
            Limit::above_zero("epsilon", self.epsilon),
            Limit::not_negative("momentum", self.momentum),
            Limit::not_negative("weight decay", self.weight_decay),
        ]
    }

    fn weight_decay(&mut self) -> Option<&mut f64> {
        Some(&mut self.weight_decay)
    }
}

impl Descent<RmsPropRule> {
    /// The rule at a learning rate, with alpha 0.99 and epsilon 1e-8.
    pub fn new(learning_rate: f64) -> RmsProp {
        let rule = RmsPropRule {
            alpha: 0.99,
            epsilon: 1e-8,
            momentum: 0.0,
            centered: false,
            weight_decay: 0.0,
        };
        Descent::by(rule, learning_rate)
    }

    /// How slowly the mean of the squares forgets (0.99 by default).
    pub fn alpha(mut self, alpha: f64) -> RmsProp {
        self.rule.alpha = alpha;
        self
    }

    /// What is added to the divisor (1e-8 by default).
    pub fn epsilon(mut self, epsilon: f64) -> RmsProp {
        self.rule.epsilon = epsilon;
        self
    }

    /// The part of the last direction that is kept (0 by default).
    pub fn momentum(mut self, momentum: f64) -> RmsProp {
        self.rule.momentum = momentum;
        self
    }

    /// Whether the mean of the gradients is taken off their squares.
    pub fn centered(mut self, centered: bool) -> RmsProp {
        self.rule.centered = centered;
        self
    }

    /// L2 regularisation, added to the gradient (0 by default).
    pub fn weight_decay(mut self, weight_decay: f64) -> RmsProp {
        self.rule.weight_decay = weight_decay;
        self
    }
}
