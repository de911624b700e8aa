//! The macro run in process: attribute, chains and all, with a small stand-in for rustc's expansion.

mod corpus;
mod deep;
mod editor;
mod fuzz;
mod generate;
mod mistakes;
mod programs;
mod repeatable;
mod rustc;
mod texts;
mod tokens;
