//! The crate `gemm`.

use crate::{Layout, Product};

/// What both compute with.
pub trait Element: Copy + Default + 'static {
    /// As programs and the peer write it.
    const NAME: &'static str;
    /// How far results may be apart, for each term of a sum.
    const NEAR: f64;
    /// The nearest.
    fn of(value: f64) -> Self;
    /// In double precision.
    fn wide(self) -> f64;
    /// 1, 0.
    const ONE_ZERO: [Self; 2];
}

impl Element for f32 {
    const NAME: &'static str = "f32";
    const NEAR: f64 = 2e-5;
    const ONE_ZERO: [f32; 2] = [1.0, 0.0];
    fn of(value: f64) -> f32 {
        value as f32
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Element for f64 {
    const NAME: &'static str = "f64";
    const NEAR: f64 = 1e-13;
    const ONE_ZERO: [f64; 2] = [1.0, 0.0];
    fn of(value: f64) -> f64 {
        value
    }
    fn wide(self) -> f64 {
        self
    }
}

/// A product by that crate.
pub struct Theirs<'a, T> {
    product: Product,
    a: &'a [T],
    b: &'a [T],
    out: Vec<T>,
}

impl<'a, T: Element> Theirs<'a, T> {
    /// Of these operands.
    pub fn new(product: Product, a: &'a [T], b: &'a [T]) -> Theirs<'a, T> {
        let [m, _, n] = product.shape;
        let out = vec![T::default(); m * n];
        Theirs { product, a, b, out }
    }

    /// Computes it.
    pub fn multiply(&mut self) {
        let [m, k, n] = self.product.shape;
        let strides = |transposed: bool, rows: usize, columns: usize| match transposed {
            // Columns, then rows.
            true => (rows as isize, 1),
            false => (1, columns as isize),
        };
        let (a_columns, a_rows) = strides(self.product.layout == Layout::Left, m, k);
        let (b_columns, b_rows) = strides(self.product.layout == Layout::Right, k, n);
        let parallelism = match self.product.threads {
            1 => gemm::Parallelism::None,
            threads => gemm::Parallelism::Rayon(threads),
        };
        let [one, zero] = T::ONE_ZERO;
        // SAFETY: the strides reach the elements of the three, which have m x k, k x n and m x n.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                self.out.as_mut_ptr(),
                1,
                n as isize,
                false,
                self.a.as_ptr(),
                a_columns,
                a_rows,
                self.b.as_ptr(),
                b_columns,
                b_rows,
                zero,
                one,
                false,
                false,
                false,
                parallelism,
            );
        }
    }

    /// What came of it.
    pub fn results(&self) -> &[T] {
        &self.out
    }
}
