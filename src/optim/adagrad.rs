//! Adagrad.

use crate::optim::{Descent, Limit, Moment, UpdateRule};
use crate::{Tensor, model};

/// Adagrad (Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", 2011):
/// `s += g²`, `p -= rate / (1 + (t - 1) * rate_decay) * g / (sqrt(s) + epsilon)`.
///
/// Formulas and defaults are those of `torch.optim.Adagrad`; the sum starts with zeros.
///
/// ```
/// # use sinew::prelude::*;
/// use sinew::optim::Adagrad;
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
/// let mut train = loss::train(Line::init(0)).optimizer(Adagrad::new(0.5)).build()?;
/// train.step([1.0], [2.0])?;
/// assert_eq!(train.model()?.slope.item()?, 0.5); // the first step is the rate
/// # Ok::<(), sinew::Error>(())
/// ```
pub type Adagrad = Descent<AdagradRule>;

/// The settings of [`Adagrad`].
#[model]
#[derive(Debug, PartialEq)]
pub struct AdagradRule {
    /// How the learning rate falls with the steps.
    pub rate_decay: f64,
    /// What is added to the divisor.
    pub epsilon: f64,
    /// L2 regularisation, added to the gradient.
    pub weight_decay: f64,
}

#[model]
pub fn adagrad<S>(
    rule: &AdagradRule,
    p: Tensor<[S]>,
    g: Tensor<[S]>,
    sum: Tensor<[S]>,
    rate: Tensor,
) -> (Tensor<[S]>, Tensor<[S]>) {
    let g = if rule.weight_decay > 0 {
        g + rule.weight_decay * p
    } else {
        g
    };
    let sum = sum + g.square();
    (p - rate * g / (sum.sqrt() + rule.epsilon), sum)
}

impl UpdateRule for AdagradRule {
    type Update = adagrad;

    fn number(&self, name: &str, at: Moment) -> Option<f64> {
        let before = at.step.saturating_sub(1) as f64;
        (name == "rate").then_some(at.rate / (1.0 + before * self.rate_decay))
    }

    fn limits(&self) -> Vec<Limit> {
        vec![
            Limit::not_negative("learning rate decay", self.rate_decay),
            Limit::above_zero("epsilon", self.epsilon),
            Limit::not_negative("weight decay", self.weight_decay),
        ]
    }

    fn weight_decay(&mut self) -> Option<&mut f64> {
        Some(&mut self.weight_decay)
    }
}

impl Descent<AdagradRule> {
    /// The rule at a learning rate, with epsilon 1e-10.
    pub fn new(learning_rate: f64) -> Adagrad {
        let rule = AdagradRule {
            rate_decay: 0.0,
            epsilon: 1e-10,
            weight_decay: 0.0,
        };
        Descent::by(rule, learning_rate)
    }

    /// How the learning rate falls with the steps (0 by default: it does not).
    pub fn learning_rate_decay(mut self, decay: f64) -> Adagrad {
        self.rule.rate_decay = decay;
        self
    }

    /// What is added to the divisor (1e-10 by default).
    pub fn epsilon(mut self, epsilon: f64) -> Adagrad {
        self.rule.epsilon = epsilon;
        self
    }

    /// L2 regularisation, added to the gradient (0 by default).
    pub fn weight_decay(mut self, weight_decay: f64) -> Adagrad {
        self.rule.weight_decay = weight_decay;
        self
    }
}
