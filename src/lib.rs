//! Sinew
