//! Adam, with either kind of weight decay.

use crate::optim::{Descent, Limit, Moment, UpdateRule};
use crate::{Tensor, model, ops::where_};

/// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015):
/// `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g²`,
/// `p -= rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)`.
///
/// Formulas and defaults are those of `torch.optim.Adam`.
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
/// let rule = Adam::new(0.1).betas(0.9, 0.99).clip_grad_norm(1.0);
/// let mut train = loss::train(Line::init(0)).optimizer(rule).build()?;
/// let step = train.step([1.0], [2.0])?;
/// assert_eq!(step.grad_norm, Some(4.0)); // before clipping
/// assert!((train.model()?.slope.item()? - 0.1).abs() < 1e-6); // the first step is the rate
/// # Ok::<(), sinew::Error>(())
/// ```
pub type Adam = Descent<AdamRule>;

/// [`Adam`] with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019):
/// `p *= 1 - rate * weight_decay` before Adam's update. Defaults are those of `torch.optim.AdamW`.
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
/// let mut line = Line::init(0);
/// line.slope.fill(1.0);
/// let rule = AdamW::new(0.1).weight_decay(0.5);
/// let mut train = loss::train(line).optimizer(rule).build()?;
/// train.step([1.0], [2.0])?;
/// let expected = 1.0 * (1.0 - 0.1 * 0.5) + 0.1;
/// assert!((train.model()?.slope.item()? - expected).abs() < 1e-6);
/// # Ok::<(), sinew::Error>(())
/// ```
pub type AdamW = Descent<AdamWRule>;

/// Below about this, compiled code may take epsilon for 0, as it does all numbers that are not normal in f32.
const TINY: f64 = 1e-37;

/// The settings of [`Adam`].
#[model(methods)]
#[derive(Debug, PartialEq)]
pub struct AdamRule {
    /// How slowly the first moment forgets.
    #[default(0.9)]
    pub beta1: f64,
    /// How slowly the second moment forgets.
    #[default(0.999)]
    pub beta2: f64,
    /// What is added to the divisor.
    #[default(1e-8)]
    pub epsilon: f64,
    /// L2 regularisation, added to the gradient.
    #[default(0.0)]
    pub weight_decay: f64,
}

/// The settings of [`AdamW`].
#[model]
#[derive(Debug, PartialEq)]
pub struct AdamWRule {
    /// Those of the update behind the decay.
    pub adam: AdamRule,
    /// The decay of every parameter.
    #[default(0.01)]
    pub weight_decay: f64,
}

#[model]
impl AdamRule {
    fn moved<S>(
        &self,
        p: Tensor<[S]>,
        g: Tensor<[S]>,
        m: Tensor<[S]>,
        v: Tensor<[S]>,
        size: Tensor,
        correction: Tensor,
        new1: Tensor,
        new2: Tensor,
    ) -> (Tensor<[S]>, Tensor<[S]>, Tensor<[S]>) {
        let g = if self.weight_decay > 0 {
            g + self.weight_decay * p
        } else {
            g
        };
        let m = self.beta1 * m + new1 * g;
        let v = self.beta2 * v + new2 * g.square();
        let direction = m / (v.sqrt() / correction + self.epsilon);
        // Without an epsilon, an element that has had no gradient is 0 / 0: it stays (in PyTorch it is NaN).
        let direction = if self.epsilon < TINY {
            where_(m == 0, 0, direction)
        } else {
            direction
        };
        (p - size * direction, m, v)
    }
}

#[model]
pub fn adam<S>(
    rule: &AdamRule,
    p: Tensor<[S]>,
    g: Tensor<[S]>,
    m: Tensor<[S]>,
    v: Tensor<[S]>,
    size: Tensor,
    correction: Tensor,
    new1: Tensor,
    new2: Tensor,
) -> (Tensor<[S]>, Tensor<[S]>, Tensor<[S]>) {
    rule.moved(p, g, m, v, size, correction, new1, new2)
}

#[model]
pub fn adam_w<S>(
    rule: &AdamWRule,
    p: Tensor<[S]>,
    g: Tensor<[S]>,
    m: Tensor<[S]>,
    v: Tensor<[S]>,
    size: Tensor,
    correction: Tensor,
    new1: Tensor,
    new2: Tensor,
    decay: Tensor,
) -> (Tensor<[S]>, Tensor<[S]>, Tensor<[S]>) {
    rule.adam
        .moved(p * decay, g, m, v, size, correction, new1, new2)
}

/// `1 - beta^step`, which is 1 to the last bit once the power is below 2^-54: it is at most `exp(-step (1 - beta))`, and
/// exp(-38) is less than that. So late steps do without a power, which takes longer than all other numbers of a step.
fn without_power(beta: f64, step: u64) -> f64 {
    match step as f64 * (1.0 - beta) > 38.0 {
        true => 1.0,
        false => 1.0 - beta.powi(i32::try_from(step).unwrap_or(i32::MAX)),
    }
}

impl UpdateRule for AdamRule {
    type Update = adam;

    fn number(&self, name: &str, at: Moment) -> Option<f64> {
        match name {
            "size" => Some(at.rate / without_power(self.beta1, at.step)),
            "correction" => Some(without_power(self.beta2, at.step).sqrt()),
            "new1" => Some(1.0 - self.beta1),
            "new2" => Some(1.0 - self.beta2),
            _ => None,
        }
    }

    fn limits(&self) -> Vec<Limit> {
        vec![
            Limit::not_negative("weight decay", self.weight_decay),
            Limit::not_negative("epsilon", self.epsilon),
            Limit::below_one("beta", self.beta1),
            Limit::below_one("beta", self.beta2),
        ]
    }

    fn weight_decay(&mut self) -> Option<&mut f64> {
        Some(&mut self.weight_decay)
    }
}

impl UpdateRule for AdamWRule {
    type Update = adam_w;

    fn number(&self, name: &str, at: Moment) -> Option<f64> {
        match name {
            "decay" => Some(1.0 - at.rate * self.weight_decay),
            other => self.adam.number(other, at),
        }
    }

    fn limits(&self) -> Vec<Limit> {
        let decay = Limit::not_negative("weight decay", self.weight_decay);
        self.adam.limits().into_iter().chain([decay]).collect()
    }

    fn weight_decay(&mut self) -> Option<&mut f64> {
        Some(&mut self.weight_decay)
    }
}

impl AdamRule {
    /// The settings of the paper, without weight decay.
    fn usual() -> AdamRule {
        AdamRule {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        }
    }
}

impl Descent<AdamRule> {
    /// The rule at a learning rate, with betas 0.9 and 0.999 and epsilon 1e-8.
    pub fn new(learning_rate: f64) -> Adam {
        Descent::by(AdamRule::usual(), learning_rate)
    }

    /// How slowly the two moments forget.
    pub fn betas(mut self, first: f64, second: f64) -> Adam {
        (self.rule.beta1, self.rule.beta2) = (first, second);
        self
    }

    /// What is added to the divisor. With 0, an element that has had no gradient yet stays as it is.
    pub fn epsilon(mut self, epsilon: f64) -> Adam {
        self.rule.epsilon = epsilon;
        self
    }

    /// L2 regularisation, added to the gradient (0 by default).
    pub fn weight_decay(mut self, weight_decay: f64) -> Adam {
        self.rule.weight_decay = weight_decay;
        self
    }
}

impl Descent<AdamWRule> {
    /// The rule at a learning rate, with betas 0.9 and 0.999, epsilon 1e-8 and a decay of 0.01.
    pub fn new(learning_rate: f64) -> AdamW {
        let rule = AdamWRule {
            adam: AdamRule::usual(),
            weight_decay: 0.01,
        };
        Descent::by(rule, learning_rate)
    }

    /// How slowly the two moments forget.
    pub fn betas(mut self, first: f64, second: f64) -> AdamW {
        (self.rule.adam.beta1, self.rule.adam.beta2) = (first, second);
        self
    }

    /// What is added to the divisor. With 0, an element that has had no gradient yet stays as it is.
    pub fn epsilon(mut self, epsilon: f64) -> AdamW {
        self.rule.adam.epsilon = epsilon;
        self
    }

    /// The decay of every parameter (0.01 by default).
    pub fn weight_decay(mut self, weight_decay: f64) -> AdamW {
        self.rule.weight_decay = weight_decay;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::without_power;

    #[test]
    fn late_steps_are_as_their_powers_say() {
        for beta in [0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999] {
            let first_late = (38.0 / (1.0 - beta)) as u64;
            let around = first_late.saturating_sub(20).max(1)..first_late + 20;
            for step in around.chain([1, 2, 1000, 100_000, 1 << 30, 1 << 40]) {
                let power = f64::powi(beta, i32::try_from(step).unwrap_or(i32::MAX));
                let found = without_power(beta, step);
                assert_eq!(found.to_bits(), (1.0 - power).to_bits(), "{beta} {step}");
            }
        }
    }
}
