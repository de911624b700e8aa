//! Muon: descent of matrices along directions that are nearly orthogonal.

use crate::ops::{matmul, ones, zeros};
use crate::optim::{Descent, Limit, Moment, UpdateRule};
use crate::{Tensor, model};

/// Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024), for matrices: the momentum's
/// nearest matrix with orthogonal rows or columns, by five iterations of Newton and Schulz, is the direction.
///
/// `v = momentum * v + g`, `d = g + momentum * v` with Nesterov (the default) or `d = v`,
/// `p -= rate * sqrt(max(1, R / C)) * orthogonal(d)` for a matrix of R rows and C columns; with weight decay
/// `p *= 1 - rate * weight_decay` before it. Formulas and coefficients are those of the authors' implementation, in
/// f32 where that uses bf16.
///
/// Other parameters (biases, norms), and by custom the first and the last layer, are given another rule by
/// [`group`](crate::TrainBuilder::group):
///
/// ```
/// # use sinew::prelude::*;
/// use sinew::optim::Muon;
/// # #[model]
/// # struct Net {
/// #     hidden: Linear<4, 4>,
/// #     out: Linear<4, 1>,
/// # }
/// # #[model]
/// # fn loss<B>(net: &Net, x: Tensor<B, 4>, y: Tensor<B, 1>) -> Tensor {
/// #     mse(net.out.forward(net.hidden.forward(x).tanh()), y)
/// # }
///
/// let adam = AdamW::new(0.0).rule;
/// let mut train = loss::train(Net::init(0))
///     .optimizer(Muon::new(0.02))
///     .group("out.*", |g| g.rule(adam.clone()).learning_rate_scale(0.05))
///     .group("*.b", |g| g.rule(adam.clone()).learning_rate_scale(0.05))
///     .build()?;
/// train.step([[1.0, 2.0, 3.0, 4.0]], [[1.0]])?;
/// # Ok::<(), sinew::Error>(())
/// ```
pub type Muon = Descent<MuonRule>;

/// The settings of [`Muon`].
#[model]
#[derive(Debug, PartialEq)]
pub struct MuonRule {
    /// The part of the last direction that is kept.
    pub momentum: f64,
    /// Whether to look ahead along the momentum.
    pub nesterov: bool,
    /// The decay of every parameter.
    pub weight_decay: f64,
}

/// `x` with singular values near 1: iterations `x = a x + (b s + c s s) x` with `s = x xᵀ`.
#[model]
fn orthogonal<R, C>(x: Tensor<R, C>) -> Tensor<R, C> {
    let mut x = x / (x.square().sum().sqrt() + 1e-7);
    for _ in 0..5 {
        let s = matmul(x, x.t());
        x = 3.4445 * x + matmul(2.0315 * matmul(s, s) - 4.775 * s, x);
    }
    x
}

#[model]
pub fn muon<R, C>(
    rule: &MuonRule,
    p: Tensor<R, C>,
    g: Tensor<R, C>,
    momentum: Tensor<R, C>,
    rate: Tensor,
    decay: Tensor,
) -> (Tensor<R, C>, Tensor<R, C>) {
    let v = rule.momentum * momentum + g;
    let d = if rule.nesterov {
        g + rule.momentum * v
    } else {
        v
    };
    // The smaller product of the two.
    let d = if R > C {
        orthogonal(d.t()).t()
    } else {
        orthogonal(d)
    };
    let long = if R > C {
        ((zeros([]) + R) / C).sqrt()
    } else {
        ones([])
    };
    (p * decay - rate * long * d, v)
}

impl UpdateRule for MuonRule {
    type Update = muon;

    fn number(&self, name: &str, at: Moment) -> Option<f64> {
        match name {
            "rate" => Some(at.rate),
            "decay" => Some(1.0 - at.rate * self.weight_decay),
            _ => None,
        }
    }

    fn limits(&self) -> Vec<Limit> {
        vec![
            Limit::not_negative("momentum", self.momentum),
            Limit::not_negative("weight decay", self.weight_decay),
        ]
    }

    fn weight_decay(&mut self) -> Option<&mut f64> {
        Some(&mut self.weight_decay)
    }
}

impl Descent<MuonRule> {
    /// The rule at a learning rate, with a momentum of 0.95 and Nesterov's look ahead, without decay.
    pub fn new(learning_rate: f64) -> Muon {
        let rule = MuonRule {
            momentum: 0.95,
            nesterov: true,
            weight_decay: 0.0,
        };
        Descent::by(rule, learning_rate)
    }

    /// The part of the last direction that is kept (0.95 by default).
    pub fn momentum(mut self, momentum: f64) -> Muon {
        self.rule.momentum = momentum;
        self
    }

    /// Whether to look ahead along the momentum (so by default).
    pub fn nesterov(mut self, nesterov: bool) -> Muon {
        self.rule.nesterov = nesterov;
        self
    }

    /// The decay of every parameter (0 by default).
    pub fn weight_decay(mut self, weight_decay: f64) -> Muon {
        self.rule.weight_decay = weight_decay;
        self
    }
}
