//! Cases of convolutions and pools: padding, windows and a contraction or a reduction.

use super::{Built, Translator};
use sinew_ir::{
    Axis, Dim, Shape, Value, compose,
    ops::{self, DotAxes},
};

impl Translator<'_> {
    fn whole_or(&self, name: &str, otherwise: i64) -> i64 {
        self.argument(name).as_i64().unwrap_or(otherwise)
    }

    /// Zeros, or another number, around every axis behind the first two.
    fn around(&mut self, x: Value, width: i64, value: f64) -> Built {
        let rank = self.shape(x).dims.len();
        let width = Dim::constant(width);
        let widths: Vec<_> = (2..rank)
            .map(|d| (Axis::At(d), width.clone(), width.clone()))
            .collect();
        Ok(compose::pad(&mut self.b, x, &widths, &value.into())?)
    }

    /// Windows along the axes behind the first two, each behind its axis: n, c, h, r, w, s.
    fn windows(&mut self, x: Value, sizes: &[Dim], step: i64, dilation: i64) -> Built {
        let mut x = x;
        for (d, size) in sizes.iter().enumerate().rev() {
            let [step, dilation] = [step, dilation].map(Dim::constant);
            x = compose::windows(
                &mut self.b,
                x,
                Axis::At(2 + d),
                size.clone(),
                step,
                dilation,
            )?;
        }
        Ok(x)
    }

    /// `w` is out, in of the group, sizes; `x` is n, in, extents.
    pub(super) fn convolution(&mut self) -> Built {
        let (x, w) = (self.input("x")?, self.input("w")?);
        let padding = self.whole_or("padding", 0);
        let x = self.around(x, padding, 0.0)?;
        let sizes = self.shape(w).dims[2..].to_vec();
        let (step, dilation) = (self.whole_or("stride", 1), self.whole_or("dilation", 1));
        let windows = self.windows(x, &sizes, step, dilation)?;
        self.contracted(windows, w, &sizes)
    }

    /// The sum over input channels and windows, group by group.
    fn contracted(&mut self, windows: Value, w: Value, sizes: &[Dim]) -> Built {
        let groups = self.whole_or("groups", 1);
        // An axis as groups and what is in one.
        let grouped = |dims: &[Dim], at: usize| {
            let mut dims = dims.to_vec();
            let whole = dims[at].as_constant().unwrap_or(0);
            dims.splice(at..=at, [groups, whole / groups].map(Dim::constant));
            Shape::new(dims)
        };
        let count = sizes.len();
        let of_x = grouped(&self.shape(windows).dims, 1);
        let of_w = grouped(&self.shape(w).dims, 0);
        let x = self.b.reshape(windows, &of_x)?;
        let w = self.b.reshape(w, &of_w)?;
        // x: n, g, c, (extent, window)..; w: g, o, c, window..
        let at = |list: &mut dyn Iterator<Item = usize>| list.map(Axis::At).collect::<Vec<_>>();
        let axes = DotAxes {
            batch_x: vec![Axis::At(1)],
            batch_y: vec![Axis::At(0)],
            contract_x: at(&mut std::iter::once(2).chain((0..count).map(|d| 4 + 2 * d))),
            contract_y: at(&mut (2..3 + count)),
        };
        let product = self.b.dot(x, w, &axes)?;
        // g, n, extents.., o
        let mut order = vec![1, 0, 2 + count];
        order.extend(2..2 + count);
        let product = self.b.permute(product, &at(&mut order.into_iter()))?;
        let mut dims = self.shape(product).dims;
        let out = dims[1].checked_mul(&dims[2]).unwrap_or_default();
        dims.splice(1..3, [out]);
        Ok(self.b.reshape(product, &Shape::new(dims))?)
    }

    /// A convolution of what has zeros between its elements with the flipped kernel.
    pub(super) fn transposed_convolution(&mut self) -> Built {
        let (mut x, mut w) = (self.input("x")?, self.input("w")?);
        let sizes = self.shape(w).dims[2..].to_vec();
        let (step, padding) = (self.whole_or("stride", 1), self.whole_or("padding", 0));
        for (d, size) in sizes.iter().enumerate() {
            let axis = Axis::At(2 + d);
            let around = size.as_constant().unwrap_or(1) - 1 - padding;
            let widths = [around, around, step].map(Dim::constant);
            x = self.b.pad(x, axis, widths.each_ref())?;
            w = compose::flip(&mut self.b, w, axis)?;
        }
        // `w` is in, out, sizes.
        let w = compose::swapaxes(&mut self.b, w, 0, 1)?;
        let windows = self.windows(x, &sizes, 1, 1)?;
        self.contracted(windows, w, &sizes)
    }

    pub(super) fn pooled(&mut self) -> Built {
        let x = self.input("x")?;
        let size = self.dim("kernel")?;
        let step = self.whole("stride")?;
        let largest = self.case.op == "max_pool2d";
        let outside = if largest { f64::NEG_INFINITY } else { 0.0 };
        let x = self.around(x, self.whole_or("padding", 0), outside)?;
        let windows = self.windows(x, &[size.clone(), size], step, 1)?;
        let op = if largest { ops::MAX } else { ops::MEAN };
        let axes = [Axis::At(3), Axis::At(5)];
        Ok(compose::reduce(&mut self.b, op, windows, &axes, false)?)
    }

    /// Windows as columns: n, c r s, places.
    pub(super) fn columns(&mut self) -> Built {
        let x = self.input("x")?;
        let size = self.dim("kernel")?;
        let x = self.around(x, self.whole_or("padding", 0), 0.0)?;
        let windows = self.windows(x, &[size.clone(), size], self.whole("stride")?, 1)?;
        let windows = compose::permute(&mut self.b, windows, &[0, 1, 3, 5, 2, 4])?;
        let dims = self.shape(windows).dims;
        let product = |some: &[Dim]| {
            let one = Some(Dim::constant(1));
            some.iter().fold(one, |all, d| all?.checked_mul(d))
        };
        let (rows, places) = (product(&dims[1..4]), product(&dims[4..]));
        let (Some(rows), Some(places)) = (rows, places) else {
            return Err(self.case.form("more elements than fit"));
        };
        let shape = Shape::new(vec![dims[0].clone(), rows, places]);
        Ok(self.b.reshape(windows, &shape)?)
    }
}
