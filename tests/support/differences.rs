//! Derivatives of first and second order of a function of two tensors against differences, in each float of each
//! device.

use crate::floats::close;

/// Numbers between -1 and 1, no two of which are near each other among the first hundred or so.
pub fn numbers(count: usize, seed: f64) -> Vec<f64> {
    (0..count)
        .map(|i| (seed + 0.618_033_988_749_895 * i as f64).fract() * 2.0 - 1.0)
        .collect()
}

/// Compares a gradient at `x` with differences of fourth order of what it is the gradient of.
pub fn compare(
    what: &str,
    x: &[f64],
    gradient: &[f64],
    mut function: impl FnMut(&[f64]) -> sinew::Result<f64>,
) -> sinew::Result<()> {
    let step = 1e-4;
    let mut expected = Vec::with_capacity(x.len());
    for i in 0..x.len() {
        let mut by = |by: f64| {
            let mut moved = x.to_vec();
            moved[i] += by;
            function(&moved)
        };
        let near = by(step)? - by(-step)?;
        let far = by(2.0 * step)? - by(-2.0 * step)?;
        expected.push((8.0 * near - far) / (12.0 * step));
    }
    // Differences lose that much themselves.
    close(what, gradient, &expected, 1e-8);
    Ok(())
}

/// A test `name` of an expression of two tensors of the given shapes: its gradients are differences, so are those of
/// what is made of its gradients, and all devices give them.
macro_rules! differences {
    ($name:ident: |$x:ident: [$($m:literal),*], $w:ident: [$($n:literal),*]| $f:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use sinew::ndarray::Array;

            #[model]
            fn energy($x: Tensor<$($m),*>, $w: Tensor<$($n),*>) -> Tensor {
                let y = $f;
                (y * y.sin()).sum()
            }

            #[model]
            fn slopes(
                $x: Tensor<$($m),*>,
                $w: Tensor<$($n),*>,
            ) -> (Tensor<$($m),*>, Tensor<$($n),*>) {
                grad(|$x, $w| energy($x, $w), $x, $w)
            }

            #[model]
            fn steepness($x: Tensor<$($m),*>, $w: Tensor<$($n),*>) -> Tensor {
                let (by_x, by_w) = slopes($x, $w);
                (by_x * by_x.cos()).sum() + (by_w * by_w.cos()).sum()
            }

            #[model]
            fn bends(
                $x: Tensor<$($m),*>,
                $w: Tensor<$($n),*>,
            ) -> (Tensor<$($m),*>, Tensor<$($n),*>) {
                grad(|$x, $w| steepness($x, $w), $x, $w)
            }

            #[model]
            fn derivatives(
                $x: Tensor<$($m),*>,
                $w: Tensor<$($n),*>,
            ) -> (Tensor<$($m),*>, Tensor<$($n),*>, Tensor<$($m),*>, Tensor<$($n),*>) {
                let (by_x, by_w) = slopes($x, $w);
                let (again_by_x, again_by_w) = bends($x, $w);
                (by_x, by_w, again_by_x, again_by_w)
            }

            #[test]
            fn are_as_differences() -> sinew::Result<()> {
                let counts = [[$($m),*].iter().product(), [$($n),*].iter().product::<usize>()];
                let (x, w) = ($crate::differences::numbers(counts[0], 0.1), $crate::differences::numbers(counts[1], 0.37));
                let arrays = |x: &[f64], w: &[f64]| {
                    let of_x = Array::from_shape_vec([$($m),*], x.to_vec()).expect("as many as in the shape");
                    let of_w = Array::from_shape_vec([$($n),*], w.to_vec()).expect("as many as in the shape");
                    (of_x, of_w)
                };
                let (of_x, of_w) = arrays(&x, &w);
                let mut wide: Vec<Vec<f64>> = Vec::new();
                let wide_first = [(Device::cpu(), Precision::F64, 1e-9)].into_iter();
                for (device, precision, tolerance) in wide_first.chain($crate::floats::floats()) {
                    let run = derivatives::compile().precision(precision).device(device.clone()).build()?;
                    let (a, b, c, d) = run.run_f64(&of_x, &of_w)?;
                    let found = [a.into_iter().collect(), b.into_iter().collect(), c.into_iter().collect(), d.into_iter().collect::<Vec<f64>>()];
                    if wide.is_empty() {
                        wide = found.to_vec();
                    }
                    for (found, expected) in found.iter().zip(&wide) {
                        $crate::floats::close(&format!("{} on {device:?}", stringify!($name)), found, expected, tolerance);
                    }
                }
                let first = energy::compile().precision(Precision::F64).build()?;
                let second = steepness::compile().precision(Precision::F64).build()?;
                let energy = |x: &[f64], w: &[f64]| {
                    let (x, w) = arrays(x, w);
                    first.run_f64(&x, &w)
                };
                let steepness = |x: &[f64], w: &[f64]| {
                    let (x, w) = arrays(x, w);
                    second.run_f64(&x, &w)
                };
                let name = stringify!($name);
                $crate::differences::compare(&format!("{name} by x"), &x, &wide[0], |x| energy(x, &w))?;
                $crate::differences::compare(&format!("{name} by w"), &w, &wide[1], |w| energy(&x, w))?;
                $crate::differences::compare(&format!("{name} twice by x"), &x, &wide[2], |x| steepness(x, &w))?;
                $crate::differences::compare(&format!("{name} twice by w"), &w, &wide[3], |w| steepness(&x, w))
            }
        }
    };
}
