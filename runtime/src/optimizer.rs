//! Optimizers: what a user chooses. The programs they become are built in `update`.
//!
//! Formulas and defaults are PyTorch's (`torch.optim`), restated at each rule.

use crate::device::Precision;
use crate::error::{Error, Result};

/// An update rule with its numbers: what [`Sgd`], [`Adam`] and [`AdamW`] become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimizer {
    pub(crate) learning_rate: f64,
    pub(crate) clip: Option<f64>,
    pub(crate) rule: Rule,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    Sgd(Sgd),
    Adam(AdamRule),
}

impl Optimizer {
    /// What of it is compiled into a step: all but the learning rate, which each step is told.
    pub(crate) fn without_rate(self) -> Optimizer {
        Optimizer {
            learning_rate: 0.0,
            rule: match self.rule {
                Rule::Sgd(sgd) => Rule::Sgd(Sgd {
                    learning_rate: 0.0,
                    ..sgd
                }),
                Rule::Adam(_) => self.rule,
            },
            ..self
        }
    }

    /// Refuses the numbers that PyTorch's optimizers refuse, as the working float holds them: 1e39 is
    /// infinite in f32, and 1 - 1e-9 is 1.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub(crate) fn check(&self, precision: Precision) -> Result<()> {
        let within = |name, value: f64, fits: fn(f64) -> bool, range: &str| {
            let held = match precision {
                Precision::F32 => f64::from(value as f32),
                Precision::F64 => value,
            };
            match (fits(held), fits(value)) {
                (true, _) => Ok(()),
                (false, true) => Err(Error::Setting {
                    name,
                    value,
                    range: format!("{range} in f32"),
                }),
                (false, false) => Err(Error::Setting {
                    name,
                    value,
                    range: range.into(),
                }),
            }
        };
        let not_negative = |name, value: f64| {
            let fits = |v: f64| v >= 0.0 && v.is_finite();
            within(name, value, fits, "finite and at least 0")
        };
        not_negative("learning rate", self.learning_rate)?;
        if let Some(greatest) = self.clip {
            within("greatest gradient norm", greatest, |v| v > 0.0, "above 0")?;
        }
        match &self.rule {
            Rule::Sgd(sgd) => {
                not_negative("weight decay", sgd.weight_decay)?;
                not_negative("momentum", sgd.momentum)?;
                if sgd.nesterov {
                    let range = "above 0 with Nesterov's look ahead";
                    within("momentum", sgd.momentum, |v| v > 0.0, range)?;
                }
            }
            Rule::Adam(adam) => {
                not_negative("weight decay", adam.weight_decay)?;
                not_negative("epsilon", adam.epsilon)?;
                for beta in [adam.betas.0, adam.betas.1] {
                    let fits = |v| (0.0..1.0).contains(&v);
                    within("beta", beta, fits, "at least 0 and below 1")?;
                }
            }
        }
        Ok(())
    }
}

/// Adam's numbers, with either kind of weight decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AdamRule {
    pub betas: (f64, f64),
    pub epsilon: f64,
    pub weight_decay: f64,
    /// Whether the decay acts on the parameter (AdamW) or joins the gradient (L2).
    pub decoupled: bool,
}

/// Stochastic gradient descent: `p -= lr * g`.
///
/// With weight decay `g += weight_decay * p` comes first. With momentum `b = momentum * b + g` (b
/// starts at the first gradient) takes the gradient's place, or `g + momentum * b` with Nesterov.
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    learning_rate: f64,
    clip: Option<f64>,
    pub(crate) momentum: f64,
    pub(crate) nesterov: bool,
    pub(crate) weight_decay: f64,
}

impl Sgd {
    /// Plain descent at a learning rate.
    pub fn new(learning_rate: f64) -> Sgd {
        Sgd {
            learning_rate,
            clip: None,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
        }
    }

    /// The part of the last direction that is kept (0.9 is usual).
    pub fn momentum(mut self, momentum: f64) -> Sgd {
        self.momentum = momentum;
        self
    }

    /// Whether to look ahead along the momentum.
    pub fn nesterov(mut self, nesterov: bool) -> Sgd {
        self.nesterov = nesterov;
        self
    }

    /// L2 regularisation, added to the gradient.
    pub fn weight_decay(mut self, weight_decay: f64) -> Sgd {
        self.weight_decay = weight_decay;
        self
    }
}

macro_rules! adam {
    ($(#[$doc:meta])* $name:ident, $decay:literal, $decoupled:literal, $decay_doc:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            learning_rate: f64,
            clip: Option<f64>,
            rule: AdamRule,
        }

        impl $name {
            /// The rule at a learning rate, with betas 0.9 and 0.999 and epsilon 1e-8.
            pub fn new(learning_rate: f64) -> $name {
                let rule = AdamRule {
                    betas: (0.9, 0.999),
                    epsilon: 1e-8,
                    weight_decay: $decay,
                    decoupled: $decoupled,
                };
                $name { learning_rate, clip: None, rule }
            }

            /// How slowly the two moments forget.
            pub fn betas(mut self, first: f64, second: f64) -> $name {
                self.rule.betas = (first, second);
                self
            }

            /// What is added to the divisor. With 0, an element that has had no gradient yet stays
            /// as it is.
            pub fn epsilon(mut self, epsilon: f64) -> $name {
                self.rule.epsilon = epsilon;
                self
            }

            #[doc = $decay_doc]
            pub fn weight_decay(mut self, weight_decay: f64) -> $name {
                self.rule.weight_decay = weight_decay;
                self
            }
        }

        impl From<$name> for Optimizer {
            fn from(config: $name) -> Optimizer {
                Optimizer {
                    learning_rate: config.learning_rate,
                    clip: config.clip,
                    rule: Rule::Adam(config.rule),
                }
            }
        }
    };
}

adam! {
    /// Adam (Kingma and Ba, 2015):
    /// `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g²`,
    /// `p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)`.
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
    Adam, 0.0, false, "L2 regularisation, added to the gradient (0 by default)."
}

adam! {
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019): `p *= 1 - lr * weight_decay`
    /// before [`Adam`]'s update.
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
    AdamW, 0.01, true, "The decay of every parameter (0.01 by default)."
}

impl From<Sgd> for Optimizer {
    fn from(config: Sgd) -> Optimizer {
        Optimizer {
            learning_rate: config.learning_rate,
            clip: config.clip,
            rule: Rule::Sgd(config),
        }
    }
}

macro_rules! clip {
    ($($name:ident)*) => {$(
        impl $name {
            /// Scales all gradients together by `min(1, greatest / (norm + 1e-6))`, norm being the
            /// Euclidean norm over all of them.
            pub fn clip_grad_norm(mut self, greatest: f64) -> $name {
                self.clip = Some(greatest);
                self
            }
        }
    )*};
}
clip!(Sgd Adam AdamW);

#[cfg(test)]
mod tests {
    use super::*;

    fn says(optimizer: impl Into<Optimizer>) -> String {
        match optimizer.into().check(Precision::F64) {
            Ok(()) => "fine".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn numbers_that_no_rule_can_use_are_refused() {
        assert_eq!(says(Adam::new(0.0)), "fine");
        assert_eq!(says(Sgd::new(0.1).momentum(0.9).nesterov(true)), "fine");
        let rate = "the optimizer's learning rate is NaN, and must be finite and at least 0";
        assert_eq!(says(AdamW::new(f64::NAN)), rate);
        assert!(says(Sgd::new(-0.1)).contains("learning rate is -0.1"));
        assert!(says(Sgd::new(0.1).nesterov(true)).contains("momentum is 0.0"));
        assert!(says(Sgd::new(0.1).momentum(f64::INFINITY)).contains("momentum is inf"));
        assert!(says(Adam::new(0.1).betas(0.9, 1.0)).contains("beta is 1.0"));
        assert!(says(Adam::new(0.1).epsilon(-1e-8)).contains("epsilon"));
        assert!(says(AdamW::new(0.1).weight_decay(-1.0)).contains("weight decay is -1.0"));
        assert!(says(Adam::new(0.1).clip_grad_norm(0.0)).contains("gradient norm is 0.0"));
    }

    #[test]
    fn numbers_are_judged_as_f32_holds_them() {
        let says = |optimizer: Optimizer| match optimizer.check(Precision::F32) {
            Ok(()) => "fine".into(),
            Err(error) => error.to_string(),
        };
        let rate =
            "the optimizer's learning rate is 1e39, and must be finite and at least 0 in f32";
        assert_eq!(says(Sgd::new(1e39).into()), rate);
        assert!(
            Optimizer::from(Sgd::new(1e39))
                .check(Precision::F64)
                .is_ok()
        );
        assert!(says(Adam::new(0.1).betas(0.9, 1.0 - 1e-9).into()).ends_with("below 1 in f32"));
        assert!(says(Sgd::new(0.1).clip_grad_norm(1e-60).into()).ends_with("above 0 in f32"));
    }
}
