//! Convolutions, pools and what else slides along the last axes.

use super::super::Lowerer;
use super::super::arguments::{Arguments, integer, plain};
use super::super::build::WrittenOperand;
use super::super::substitution::Dims;
use super::super::value::Val;
use crate::check::relation;
use crate::errors::Checked;
use crate::messages;
use crate::operations::DefaultValue;
use sinew_ir::compose::{self, Slide};
use sinew_ir::{Dim, Relation, Value};

impl Dims for Slide {
    fn each(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        let Slide {
            kernel,
            stride,
            dilation,
            low,
            high,
        } = self;
        [kernel, stride, dilation, low, high]
            .into_iter()
            .for_each(f);
    }
}

/// The places of the parameters that say how a kernel slides, among those of an operation.
struct Sliding {
    stride: Option<usize>,
    padding: usize,
    dilation: Option<usize>,
}

/// The axes of what convolutions and pools take, by how many of them a kernel slides along.
fn layout(count: usize) -> [&'static str; 2] {
    match count {
        1 => ["`[B, C, L]`", "`[O, C / groups, K]`"],
        2 => ["`[B, C, H, W]`", "`[O, C / groups, KH, KW]`"],
        _ => ["`[B, C, D, H, W]`", "`[O, C / groups, KD, KH, KW]`"],
    }
}

impl Lowerer<'_, '_> {
    /// `conv2d(x, w, bias, stride, padding, dilation, groups)`, along `count` axes.
    pub fn convolution(&mut self, a: &Arguments<'_>, count: usize) -> Checked<Val> {
        let (x, w) = self.with_kernel(a, count)?;
        let kernels = self.last_dims(w, count);
        let sliding = Sliding {
            stride: Some(3),
            padding: 4,
            dilation: Some(5),
        };
        let slides = self.slides(a, kernels, &sliding)?;
        self.fits(a, x, &slides)?;
        let groups = self.count_arg(a, 6)?;
        let of_kernel = |l: &Self, i: usize| l.builder.type_of(w).shape.dims[i].clone();
        let each = of_kernel(self, 1);
        let all = self.times(&groups, &each, a)?;
        let words = match groups.as_constant() {
            Some(1) => format!("`{}`", messages::dim(&all)),
            _ => format!(
                "{} groups of `{}`",
                messages::dim(&groups),
                messages::dim(&each)
            ),
        };
        self.same_channels(a, (x, w), (&all, &words), count)?;
        let out = of_kernel(self, 0);
        if out.exact_div(&groups).is_none() {
            let which = "come out";
            let error = messages::groups(&a.tokens(6), a.op.name, &groups, &out, which);
            return Err(self.report(error));
        }
        let bias = self.bias_arg(a, 2, &out)?;
        let operands = self.kernel_operands(a, (x, w));
        let dims = (slides, groups);
        let built = self.build_with(
            &a.name,
            a.op.name,
            &operands,
            dims,
            |b, (slides, groups)| {
                let y = compose::convolution(b, x, w, slides, groups)?;
                compose::with_bias(b, y, bias, count)
            },
        )?;
        Ok(Val::Tensor(built))
    }

    /// `conv_transpose2d(x, w, bias, stride, padding, output_padding, groups, dilation)`, along `count` axes.
    pub fn convolution_transposed(&mut self, a: &Arguments<'_>, count: usize) -> Checked<Val> {
        let (x, w) = self.with_kernel(a, count)?;
        let kernels = self.last_dims(w, count);
        let sliding = Sliding {
            stride: Some(3),
            padding: 4,
            dilation: Some(7),
        };
        let slides = self.slides(a, kernels, &sliding)?;
        let more = self.per_axis(a, 5, count, false)?;
        for (slide, more) in slides.iter().zip(&more) {
            let message = messages::output_padding(&a.tokens(5), a.op.name, more);
            let below = |d: &Dim| relation::decide(more, Relation::Below, d) == Some(false);
            if below(&slide.stride) && below(&slide.dilation) {
                return Err(self.report(message.into_error()));
            }
        }
        let groups = self.count_arg(a, 6)?;
        let of_kernel = |l: &Self, i: usize| l.builder.type_of(w).shape.dims[i].clone();
        let all = of_kernel(self, 0);
        let words = format!("`{}`", messages::dim(&all));
        self.same_channels(a, (x, w), (&all, &words), count)?;
        let all = of_kernel(self, 0);
        if all.exact_div(&groups).is_none() {
            let error = messages::groups(&a.tokens(6), a.op.name, &groups, &all, "go in");
            return Err(self.report(error));
        }
        let each = of_kernel(self, 1);
        let out = self.times(&groups, &each, a)?;
        let bias = self.bias_arg(a, 2, &out)?;
        let operands = self.kernel_operands(a, (x, w));
        let dims = ((slides, more), groups);
        let built = self.build_with(
            &a.name,
            a.op.name,
            &operands,
            dims,
            |b, ((slides, more), groups)| {
                let y = compose::convolution_transposed(b, x, w, slides, more, groups)?;
                compose::with_bias(b, y, bias, count)
            },
        )?;
        Ok(Val::Tensor(built))
    }

    /// `max_pool2d(x, kernel, stride, padding, dilation)`, along `count` axes.
    pub fn max_pool(&mut self, a: &Arguments<'_>, count: usize) -> Checked<Val> {
        let (x, slides) = self.pooled(a, count, Some(4))?;
        self.on_with(a, x, &a.name, slides, |b, slides| {
            compose::max_pool(b, x, slides)
        })
    }

    /// `avg_pool2d(x, kernel, stride, padding, count_include_pad)`, along `count` axes.
    pub fn avg_pool(&mut self, a: &Arguments<'_>, count: usize) -> Checked<Val> {
        let (x, slides) = self.pooled(a, count, None)?;
        let count_padding = self.flag_arg(a, 4)?;
        self.on_with(a, x, &a.name, slides, |b, slides| {
            compose::avg_pool(b, x, slides, count_padding)
        })
    }

    /// What a pool takes, and how its windows slide: those beside each other, if nothing else is said.
    fn pooled(
        &mut self,
        a: &Arguments<'_>,
        count: usize,
        dilation: Option<usize>,
    ) -> Checked<(Value, Vec<Slide>)> {
        let x = self.tensor_arg(a, 0, None)?;
        self.has_rank(a, 0, x, |rank| rank >= count, layout(count)[0])?;
        let kernels = self.per_axis(a, 1, count, true)?;
        let sliding = Sliding {
            stride: a.has(2).then_some(2),
            padding: 3,
            dilation,
        };
        let mut slides = self.slides(a, kernels, &sliding)?;
        for slide in &mut slides {
            if !a.has(2) {
                slide.stride = slide.kernel.clone();
            }
            for width in [&slide.low, &slide.high] {
                let message = messages::pool_padding(&a.tokens(3), a.op.name, width, &slide.kernel);
                let both = self.times(width, &Dim::constant(2), a)?;
                self.is_at_most(&both, &slide.kernel, &message)?;
            }
        }
        self.fits(a, x, &slides)?;
        Ok((x, slides))
    }

    /// `im2col(x, kernel, dilation, padding, stride)`
    pub fn im2col(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        self.has_rank(a, 0, x, |rank| rank >= 3, layout(2)[0])?;
        let kernels = self.per_axis(a, 1, 2, true)?;
        let sliding = Sliding {
            stride: Some(4),
            padding: 3,
            dilation: Some(2),
        };
        let slides = self.slides(a, kernels, &sliding)?;
        self.fits(a, x, &slides)?;
        self.on_with(a, x, &a.name, slides, |b, slides| {
            compose::im2col(b, x, slides)
        })
    }

    /// `global_avg_pool(x)`, over all axes behind the channels.
    pub fn global_avg_pool(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        self.has_rank(a, 0, x, |rank| rank > 2, "`[B, C, ..]`")?;
        let count = self.builder.type_of(x).shape.len() - 2;
        self.on(a, x, &a.name, |b| compose::global_avg_pool(b, x, count))
    }

    /// `upsample(x, factor, mode)`, along all axes behind the channels.
    pub fn upsample(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let mode = self.choice_arg(a, 2)?;
        let (wanted, ranks) = match mode {
            "linear" => (layout(1)[0], 3..4),
            "bilinear" => (layout(2)[0], 4..5),
            _ => ("`[B, C, ..]`", 3..6),
        };
        self.has_rank(a, 0, x, |rank| ranks.contains(&rank), wanted)?;
        let count = self.builder.type_of(x).shape.len() - 2;
        let factors = self.per_axis(a, 1, count, true)?;
        self.on_with(a, x, &a.name, factors, |b, factors| match mode {
            "nearest" => compose::upsample_nearest(b, x, factors),
            _ => compose::upsample_linear(b, x, factors),
        })
    }

    /// x and the kernel of a convolution along `count` axes; x may be without the axis of examples.
    fn with_kernel(&mut self, a: &Arguments<'_>, count: usize) -> Checked<(Value, Value)> {
        let (x, w) = (self.tensor_arg(a, 0, None), self.tensor_arg(a, 1, None));
        let (x, w) = (x?, w?);
        let [of_x, of_w] = layout(count);
        let most = count + 2;
        self.has_rank(a, 0, x, |rank| rank == most || rank == most - 1, of_x)?;
        self.has_rank(a, 1, w, |rank| rank == most, of_w)?;
        Ok((x, w))
    }

    fn kernel_operands(&self, a: &Arguments<'_>, (x, w): (Value, Value)) -> [WrittenOperand; 2] {
        [
            WrittenOperand::new(&a.tokens(0), x),
            WrittenOperand::new(&a.tokens(1), w),
        ]
    }

    fn has_rank(
        &mut self,
        a: &Arguments<'_>,
        i: usize,
        x: Value,
        fits: impl Fn(usize) -> bool,
        wanted: &str,
    ) -> Checked<()> {
        let ty = self.builder.type_of(x);
        if fits(ty.shape.len()) && ty.shape.sequence.is_none() {
            return Ok(());
        }
        let fact = messages::operand("", &a.tokens(i), ty);
        let error = messages::other_axes(&a.tokens(i), a.op.name, wanted, fact);
        Err(self.report(error))
    }

    fn last_dims(&self, x: Value, count: usize) -> Vec<Dim> {
        let dims = &self.builder.type_of(x).shape.dims;
        dims[dims.len() - count..].to_vec()
    }

    fn times(&self, x: &Dim, y: &Dim, a: &Arguments<'_>) -> Checked<Dim> {
        let product = x.checked_mul(y);
        product.ok_or_else(|| self.overflow(a.name.span()))
    }

    /// x has as many channels as the kernel is for.
    fn same_channels(
        &mut self,
        a: &Arguments<'_>,
        (x, w): (Value, Value),
        (of_kernel, words): (&Dim, &str),
        count: usize,
    ) -> Checked<()> {
        let channels = self.last_dims(x, count + 1).swap_remove(0);
        let fact =
            |i: usize, v: Value| messages::operand("", &a.tokens(i), self.builder.type_of(v));
        let facts = [fact(0, x), fact(1, w)];
        let message = messages::channels(&a.tokens(1), a.op.name, (&channels, words), &facts);
        self.equal(&channels, of_kernel, &message)
    }

    /// The bias, if there is one: a number for each channel that comes out.
    fn bias_arg(&mut self, a: &Arguments<'_>, i: usize, out: &Dim) -> Checked<Option<Value>> {
        if !a.has(i) {
            return Ok(None);
        }
        let bias = self.tensor_arg(a, i, None)?;
        let ty = self.builder.type_of(bias);
        let fact = messages::operand("", &a.tokens(i), ty);
        let message = messages::bias(&a.tokens(i), a.op.name, out, fact);
        match (ty.shape.dims.as_slice(), &ty.shape.sequence) {
            ([own], None) => {
                let own = own.clone();
                self.equal(&own, out, &message)?;
                Ok(Some(bias))
            }
            _ => Err(self.report(message.into_error())),
        }
    }

    /// A number for each of `count` axes: one for all of them, or a list.
    fn per_axis(
        &mut self,
        a: &Arguments<'_>,
        i: usize,
        count: usize,
        positive: bool,
    ) -> Checked<Vec<Dim>> {
        let Some(e) = a.written(i) else {
            let default = match a.op.parameters.get(i).map(|p| p.default) {
                Some(DefaultValue::Integer(n)) => n,
                _ => i64::from(positive),
            };
            return Ok(vec![Dim::constant(default); count]);
        };
        let list = match plain(e) {
            syn::Expr::Tuple(t) => &t.elems,
            syn::Expr::Array(list) => &list.elems,
            one => {
                let number = self.width(a, one, positive)?;
                return Ok(vec![number; count]);
            }
        };
        if list.len() != count {
            return Err(self.report(messages::one_for_each_axis(e, &a.name, count)));
        }
        list.iter().map(|e| self.width(a, e, positive)).collect()
    }

    /// A number from 0 or 1 on.
    fn width(&mut self, a: &Arguments<'_>, e: &syn::Expr, positive: bool) -> Checked<Dim> {
        if positive {
            return self.counted(e, |n| messages::count_of_none(e, &a.name, &a.op.usage(), n));
        }
        match integer(e) {
            Some(n) if n < 0 => Err(self.report(messages::negative_padding(e, &a.name, n))),
            Some(n) => Ok(Dim::constant(n)),
            None => self.dim_expr(e),
        }
    }

    /// What is put around each axis: a number, one for each axis, or a list of pairs.
    fn around(&mut self, a: &Arguments<'_>, i: usize, count: usize) -> Checked<Vec<(Dim, Dim)>> {
        if let Some(syn::Expr::Array(list)) = a.written(i).map(plain)
            && list
                .elems
                .iter()
                .any(|e| matches!(plain(e), syn::Expr::Tuple(_)))
        {
            let pairs = self.pairs_arg(a, i)?;
            return match pairs.len() == count {
                true => Ok(pairs),
                false => Err(self.report(messages::one_for_each_axis(list, &a.name, count))),
            };
        }
        let widths = self.per_axis(a, i, count, false)?;
        Ok(widths.into_iter().map(|w| (w.clone(), w)).collect())
    }

    /// How kernels slide, as the arguments say.
    fn slides(
        &mut self,
        a: &Arguments<'_>,
        kernels: Vec<Dim>,
        sliding: &Sliding,
    ) -> Checked<Vec<Slide>> {
        let count = kernels.len();
        let numbers = |l: &mut Self, i: Option<usize>| match i {
            Some(i) => l.per_axis(a, i, count, true),
            None => Ok(vec![Dim::constant(1); count]),
        };
        let strides = numbers(self, sliding.stride)?;
        let dilations = numbers(self, sliding.dilation)?;
        let text = self.one_of_texts(a, sliding.padding)?;
        let widths = match text {
            Some(_) => vec![(Dim::constant(0), Dim::constant(0)); count],
            None => self.around(a, sliding.padding, count)?,
        };
        let each = kernels.into_iter().zip(strides).zip(dilations).zip(widths);
        let slides = each.map(|(((kernel, stride), dilation), (low, high))| Slide {
            kernel,
            stride,
            dilation,
            low,
            high,
        });
        if text != Some("same") {
            return Ok(slides.collect());
        }
        let at = a.tokens(sliding.padding);
        let mut out = Vec::with_capacity(count);
        for slide in slides {
            if slide.stride != Dim::constant(1) {
                return Err(self.report(messages::same_with_stride(&at, a.op.name)));
            }
            let same = slide.same();
            out.push(same.map_err(|_| self.overflow(a.name.span()))?);
        }
        Ok(out)
    }

    /// Each kernel fits into its axis with what is around it, as far as sizes are known.
    fn fits(&mut self, a: &Arguments<'_>, x: Value, slides: &[Slide]) -> Checked<()> {
        let extents = self.last_dims(x, slides.len());
        for (slide, extent) in slides.iter().zip(&extents) {
            let reach = slide.reach().ok();
            let covered = reach.and_then(|r| r.checked_add(&Dim::constant(1)));
            let (Some(covered), Ok(padded)) = (covered, slide.padded(extent)) else {
                return Err(self.overflow(a.name.span()));
            };
            let fact = messages::operand("", &a.tokens(0), self.builder.type_of(x));
            let sizes = (&covered, &padded);
            let message = messages::kernel_too_large(&a.tokens(1), a.op.name, sizes, fact);
            self.is_at_most(&covered, &padded, &message)?;
        }
        Ok(())
    }

    /// Reports that one dim is above another, or leaves it to rustc where Rust consts decide.
    fn is_at_most(&mut self, left: &Dim, right: &Dim, message: &messages::Message) -> Checked<()> {
        let (left, right) = (self.dim(left)?, self.dim(right)?);
        if relation::decide(&left, Relation::AtMost, &right) == Some(false) {
            return Err(self.report(message.clone().into_error()));
        }
        if relation::const_only(&left, &right) {
            self.assert(left, Relation::AtMost, right, message);
        }
        Ok(())
    }
}
