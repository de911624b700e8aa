//! Initialisers: how parameters and states start.
//!
//! Each `Param` says it; a `State` starts with zeros where it does not. The definitions are those of `torch.nn.init`
//! with its defaults.
//!
//! | initialiser | elements |
//! |---|---|
//! | `zeros`, `ones`, `constant(c)` | 0, 1, c |
//! | `normal(std)` | normal around 0 with that standard deviation |
//! | `uniform(low, high)` | uniform from `low` to below `high`; `uniform(a)` is `uniform(-a, a)` |
//! | `fan_in_uniform(I)` | uniform on ±1 / sqrt(I), of a dim: how PyTorch's layers start, weights and biases |
//! | `xavier_uniform` | uniform on ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010) |
//! | `xavier_normal` | normal, standard deviation sqrt(2 / (fan_in + fan_out)) |
//! | `kaiming_uniform` | uniform on ±sqrt(6 / fan_in) (He et al., 2015, for ReLU) |
//! | `kaiming_normal` | normal, standard deviation sqrt(2 / fan_in) |
//!
//! How many inputs an output has, its fan-in, follows from the shape:
//!
//! | shape | fan_in | fan_out |
//! |---|---|---|
//! | `Param<I, O>`, as [`Linear`](crate::nn::Linear) has it | I | O |
//! | `Param<O, I, K, ..>`, as convolutions have it | I times the window `K * ..` | O times the window |
//! | one axis or none | none: refused | |
//!
//! `fan_in_uniform(I)` is told the number instead, any dim of the struct (`fan_in_uniform(C * K)`), so that a bias can
//! start as its weights do.
//!
//! A matrix is inputs by outputs here, the other way round than PyTorch's `Linear.weight`, and its fans are the same
//! numbers. What is drawn follows from the seed and the parameter's path alone (`hidden.w`), so what is added beside
//! it changes nothing. The generator is Philox4x32-10.
//!
//! ```
//! # use sinew::prelude::*;
//! #[model]
//! struct Net {
//!     #[init(kaiming_uniform)]
//!     w: Param<24, 100>,
//!     #[init(constant(0.5))]
//!     b: Param<100>,
//!     #[init(fan_in_uniform(100))]
//!     shift: Param<100>,
//!     seen: State,
//! }
//!
//! let net = Net::init(42);
//! let bound = 0.5;                                // sqrt(6 / 24)
//! assert!(net.w.values().iter().all(|v| v.abs() <= bound));
//! assert!(net.w.values().iter().any(|v| v.abs() > 0.99 * bound));
//! assert!(net.b.values().iter().all(|v| *v == 0.5));
//! assert!(net.shift.values().iter().all(|v| v.abs() <= 0.1));
//! assert_eq!(net.seen.item()?, 0.0);
//! assert_eq!(Net::init(42), net);                 // the same seed, the same model
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! In Rust a leaf is a [`Param`](crate::Param): `net.w.set(array)?` gives it other values, `fill` one value, and
//! [`init`](crate::init) has the initialisers.
