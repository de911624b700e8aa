//! The device and the program around the shaders.
