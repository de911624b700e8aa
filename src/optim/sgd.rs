//! Stochastic gradient descent.

use crate::optim::{Descent, Limit, UpdateRule};
use crate::{Tensor, model};

/// Stochastic gradient descent: `p -= rate * g`.
///
/// With weight decay `g += weight_decay * p` comes first. With momentum `v = momentum * v + g` (v starts at the first
/// gradient) takes the gradient's place, or `g + momentum * v` with Nesterov (Sutskever et al., "On the importance of
/// initialization and momentum in deep learning", 2013). Formulas and defaults are those of `torch.optim.SGD`.
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
/// let rule = Sgd::new(0.25).momentum(0.5);
/// let mut train = loss::train(Line::init(0)).optimizer(rule).build()?;
/// train.step([1.0], [2.0])?; // the gradient is -4: up by 0.25 * 4
/// train.step([1.0], [2.0])?; // it is -2: up by 0.25 * (2 + 0.5 * 4)
/// assert_eq!(train.model()?.slope.item()?, 2.0);
/// # Ok::<(), sinew::Error>(())
/// ```
pub type Sgd = Descent<SgdRule>;

/// The settings of [`Sgd`].
#[model]
#[derive(Debug, PartialEq)]
pub struct SgdRule {
    /// The part of the last direction that is kept.
    pub momentum: f64,
    /// Whether to look ahead along the momentum.
    pub nesterov: bool,
    /// L2 regularisation, added to the gradient.
    pub weight_decay: f64,
}

#[model]
pub fn sgd<S>(
    rule: &SgdRule,
    p: Tensor<[S]>,
    g: Tensor<[S]>,
    momentum: Tensor<[S]>,
    rate: Tensor,
) -> (Tensor<[S]>, Tensor<[S]>) {
    let g = if rule.weight_decay > 0 {
        g + rule.weight_decay * p
    } else {
        g
    };
    let v = if rule.momentum > 0 {
        rule.momentum * momentum + g
    } else {
        momentum
    };
    let direction = if rule.momentum > 0 {
        if rule.nesterov {
            g + rule.momentum * v
        } else {
            v
        }
    } else {
        g
    };
    (p - rate * direction, v)
}

impl UpdateRule for SgdRule {
    type Update = sgd;

    fn limits(&self) -> Vec<Limit> {
        let momentum = match self.nesterov {
            true => Limit::above_zero("momentum with Nesterov's look ahead", self.momentum),
            false => Limit::not_negative("momentum", self.momentum),
        };
        vec![
            Limit::not_negative("weight decay", self.weight_decay),
            momentum,
        ]
    }

    fn weight_decay(&mut self) -> Option<&mut f64> {
        Some(&mut self.weight_decay)
    }
}

impl Descent<SgdRule> {
    /// Plain descent at a learning rate.
    pub fn new(learning_rate: f64) -> Sgd {
        let rule = SgdRule {
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
        };
        Descent::by(rule, learning_rate)
    }

    /// The part of the last direction that is kept (0.9 is usual, 0 the default).
    pub fn momentum(mut self, momentum: f64) -> Sgd {
        self.rule.momentum = momentum;
        self
    }

    /// Whether to look ahead along the momentum.
    pub fn nesterov(mut self, nesterov: bool) -> Sgd {
        self.rule.nesterov = nesterov;
        self
    }

    /// L2 regularisation, added to the gradient (0 by default).
    pub fn weight_decay(mut self, weight_decay: f64) -> Sgd {
        self.rule.weight_decay = weight_decay;
        self
    }
}
