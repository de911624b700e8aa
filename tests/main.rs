//! Tests of models: one program, so that what they share is compiled and linked once.

#[path = "support/devices.rs"]
mod devices;
#[macro_use]
#[path = "support/differences.rs"]
mod differences;
#[path = "support/digits.rs"]
mod digits;
#[path = "support/floats.rs"]
mod floats;

mod accumulation;
mod activations;
mod arguments;
mod arrows;
mod attention;
mod bad_input;
mod buckets;
mod checkpoint;
mod children;
#[cfg(feature = "cpu")]
mod code_cache;
mod configuration;
mod cost;
mod derivatives;
mod einsum;
mod finite;
#[cfg(feature = "data")]
mod fit;
mod golden;
mod gpt;
mod gradient;
mod halves;
mod indexing;
mod integers;
mod jvp;
mod killed;
mod language;
mod layers;
mod linear;
mod lints;
mod lists;
mod loader;
mod loops;
mod losses;
mod lstm;
mod memory;
mod micro_batches;
mod models;
mod names;
mod operations;
mod optimizers;
mod outside;
mod peak;
mod probes;
mod profile;
mod pytorch;
mod random;
mod resume;
mod rules;
mod second_order;
mod serving;
mod sizes;
mod sliding;
mod states;
mod steps;
mod structs;
mod summary;
mod threads;
mod training;
mod unused;
mod vmap;
