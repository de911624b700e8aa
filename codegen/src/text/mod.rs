//! Kernel IR as text: it prints, parses, and is the same after both.
//!
//! ```text
//! region "arena" arena 1200
//! region "x" input 1200
//! region "y" output 1200
//! buffer b0 "x" f32[300] in "x" at 0
//! buffer b1 "%3" f32[300] in "arena" at 0
//! buffer b2 "y" f32[300] in "y" at 0
//! kernel nest_0_sum {
//!   slot s0 read f32[300]
//!   slot s1 write f32[300]
//!   nest outer [10] inner [30] rows [f32]
//!   each {
//!     r0: f32 = load s0 at 0 [30, 1] where -1 + [0, 1] < 29
//!     r1: f32 = exp r0
//!     row0 = sum r1
//!     array0 = r1
//!   }
//!   each {
//!     r0: f32 = row0
//!     r1: f32 = array0
//!     r2: f32 = div r1 r0
//!     store r2 s1 at 0 [30, 1]
//!   }
//! }
//! part "main" {
//!   run nest_0_sum b0 at 0 [], b1 at 0 [] gives "%3"
//!   loop 4 {
//!     run nest_0_sum b1 at 0 [0], b2 at 0 [75] gives
//!   }
//! }
//! ```
//!
//! `at 0 [30, 1]` is an offset and strides: of an access over the space's dims, of a binding over the
//! loops around the run. `run k b0 at 0 [] cut [3, 7] gives` runs a kernel in shares of its parallel axis:
//! up to 3, from 3 to 7, and the rest. `loop 4 apart` is a loop whose turns stand apart. `array0` is a row array:
//! written by one stage, read by later ones. `add` in place of `store` adds to the sums of a block of rows. What follows
//! a `;` is a comment.

mod classes;
mod parse;
mod print;
mod tokens;

pub use parse::{ParseError, parse};
