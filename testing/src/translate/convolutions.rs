//! Cases of convolutions, pools and upsampling.

use super::{Built, Translator};
use crate::CaseError;
use sinew_ir::{
    Dim, Value,
    compose::{self, Slide},
};

impl Translator<'_> {
    fn whole_or(&self, name: &str, otherwise: i64) -> i64 {
        self.argument(name).as_i64().unwrap_or(otherwise)
    }

    /// How kernels of the given sizes slide, alike along all axes.
    fn slides(&self, kernels: &[Dim]) -> Vec<Slide> {
        let padding = Dim::constant(self.whole_or("padding", 0));
        let slide = |kernel: &Dim| Slide {
            stride: Dim::constant(self.whole_or("stride", 1)),
            dilation: Dim::constant(self.whole_or("dilation", 1)),
            low: padding.clone(),
            high: padding.clone(),
            ..Slide::new(kernel.clone())
        };
        kernels.iter().map(slide).collect()
    }

    /// x, w, and how its kernels slide.
    fn with_kernel(&self) -> Result<(Value, Value, Vec<Slide>), CaseError> {
        let (x, w) = (self.input("x")?, self.input("w")?);
        let slides = self.slides(&self.shape(w).dims[2..]);
        Ok((x, w, slides))
    }

    pub(super) fn convolution(&mut self) -> Built {
        let (x, w, slides) = self.with_kernel()?;
        let groups = Dim::constant(self.whole_or("groups", 1));
        Ok(compose::convolution(&mut self.b, x, w, &slides, &groups)?)
    }

    pub(super) fn transposed_convolution(&mut self) -> Built {
        let (x, w, slides) = self.with_kernel()?;
        let groups = Dim::constant(self.whole_or("groups", 1));
        let more = vec![Dim::constant(self.whole_or("output_padding", 0)); slides.len()];
        let b = &mut self.b;
        Ok(compose::convolution_transposed(
            b, x, w, &slides, &more, &groups,
        )?)
    }

    /// x, and how two equal kernels slide.
    fn with_windows(&self) -> Result<(Value, Vec<Slide>), CaseError> {
        let size = self.dim("kernel")?;
        Ok((self.input("x")?, self.slides(&[size.clone(), size])))
    }

    pub(super) fn pooled(&mut self) -> Built {
        let (x, slides) = self.with_windows()?;
        match self.case.op.as_str() {
            "max_pool2d" => Ok(compose::max_pool(&mut self.b, x, &slides)?),
            _ => Ok(compose::avg_pool(&mut self.b, x, &slides, true)?),
        }
    }

    pub(super) fn columns(&mut self) -> Built {
        let (x, slides) = self.with_windows()?;
        Ok(compose::im2col(&mut self.b, x, &slides)?)
    }

    pub(super) fn upsampled(&mut self) -> Built {
        let x = self.input("x")?;
        let factor = self.dim("factor")?;
        let factors = [factor.clone(), factor];
        Ok(compose::upsample_nearest(&mut self.b, x, &factors)?)
    }
}
