//! Optimizers: what a user chooses. The programs they become are built in `update`.
//!
//! Formulas and defaults are PyTorch's (`torch.optim`), restated at each rule.

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

            /// What is added to the divisor.
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
            fn from(of: $name) -> Optimizer {
                Optimizer {
                    learning_rate: of.learning_rate,
                    clip: of.clip,
                    rule: Rule::Adam(of.rule),
                }
            }
        }
    };
}

adam! {
    /// Adam (Kingma and Ba, 2015):
    /// `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g²`,
    /// `p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)`.
    Adam, 0.0, false, "L2 regularisation, added to the gradient (0 by default)."
}

adam! {
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019): `p *= 1 - lr * weight_decay`
    /// before [`Adam`]'s update.
    AdamW, 0.01, true, "The decay of every parameter (0.01 by default)."
}

impl From<Sgd> for Optimizer {
    fn from(of: Sgd) -> Optimizer {
        Optimizer {
            learning_rate: of.learning_rate,
            clip: of.clip,
            rule: Rule::Sgd(of),
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
