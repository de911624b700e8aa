//! Sinew's attribute macro: Rust tokens to typed tensor IR
