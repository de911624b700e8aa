//! Sinew's runtime: devices, parameters, the compiled training step, checkpoints
