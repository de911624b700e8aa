//! Tests of the code generator: one program, so that what they share is compiled and linked once.

mod support;

#[cfg(feature = "cpu")]
mod aarch64;
mod cases;
#[cfg(feature = "cpu")]
mod clock;
mod convolutions;
mod decisions;
mod dependence;
mod depth;
mod functions;
mod fuzz;
mod growth;
#[cfg(feature = "cpu")]
mod guards;
mod ir_texts;
mod kernel_texts;
mod loops;
mod prologues;
mod random;
mod rows;
mod scalars;
mod schedule;
mod shares;
mod sharing;
mod stored;
mod table;
mod text;
mod threads;
mod turns;
mod verify;
