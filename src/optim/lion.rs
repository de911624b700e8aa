//! Lion.

use crate::optim::{Descent, Limit, Moment, UpdateRule};
use crate::{Tensor, model};

/// Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023): each element moves by the learning rate,
/// `p -= rate * (sign(b1 m + (1 - b1) g) + weight_decay * p)`, then `m = b2 m + (1 - b2) g`.
///
/// A learning rate is some three to ten times smaller than Adam's, the decay greater by as much.
///
/// ```
/// # use sinew::prelude::*;
/// use sinew::optim::Lion;
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
/// let mut train = loss::train(Line::init(0)).optimizer(Lion::new(0.25)).build()?;
/// train.step([1.0], [2.0])?;
/// assert_eq!(train.model()?.slope.item()?, 0.25);
/// # Ok::<(), sinew::Error>(())
/// ```
pub type Lion = Descent<LionRule>;

/// The settings of [`Lion`].
#[model]
#[derive(Debug, PartialEq)]
pub struct LionRule {
    /// How much of the direction is the momentum.
    pub beta1: f64,
    /// How slowly the momentum forgets.
    pub beta2: f64,
    /// The decay of every parameter.
    pub weight_decay: f64,
}

#[model]
pub fn lion<S>(
    rule: &LionRule,
    p: Tensor<[S]>,
    g: Tensor<[S]>,
    m: Tensor<[S]>,
    rate: Tensor,
    decay: Tensor,
    new1: Tensor,
    new2: Tensor,
) -> (Tensor<[S]>, Tensor<[S]>) {
    let direction = (rule.beta1 * m + new1 * g).sign();
    (p * decay - rate * direction, rule.beta2 * m + new2 * g)
}

impl UpdateRule for LionRule {
    type Update = lion;

    fn number(&self, name: &str, at: Moment) -> Option<f64> {
        match name {
            "rate" => Some(at.rate),
            "decay" => Some(1.0 - at.rate * self.weight_decay),
            "new1" => Some(1.0 - self.beta1),
            "new2" => Some(1.0 - self.beta2),
            _ => None,
        }
    }

    fn limits(&self) -> Vec<Limit> {
        vec![
            Limit::below_one("beta", self.beta1),
            Limit::below_one("beta", self.beta2),
            Limit::not_negative("weight decay", self.weight_decay),
        ]
    }

    fn weight_decay(&mut self) -> Option<&mut f64> {
        Some(&mut self.weight_decay)
    }
}

impl Descent<LionRule> {
    /// The rule at a learning rate, with betas 0.9 and 0.99 and no decay.
    pub fn new(learning_rate: f64) -> Lion {
        let rule = LionRule {
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.0,
        };
        Descent::by(rule, learning_rate)
    }

    /// How much of the direction is the momentum, and how slowly that forgets.
    pub fn betas(mut self, first: f64, second: f64) -> Lion {
        (self.rule.beta1, self.rule.beta2) = (first, second);
        self
    }

    /// The decay of every parameter (0 by default).
    pub fn weight_decay(mut self, weight_decay: f64) -> Lion {
        self.rule.weight_decay = weight_decay;
        self
    }
}
