//! The machine instructions that are used, by what they do: one line an operation and element type.
//!
//! Each has a form for 256 bits (AVX2) and one for 512 (AVX-512), and for single floats a scalar form
//! beside either. Scalar floats lie in the first lane of vector registers.

use cranelift_codegen::ir::Type;
use iced_x86::Code;

use crate::cpu::Vectors;

/// The vector registers that code is written for, with all that comes with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cpu) enum Width {
    /// 16 registers of 256 bits, masks in vectors: AVX2, FMA, BMI2.
    W256,
    /// 32 registers of 512 bits, masks in registers of their own: AVX-512 F, DQ, BW and VL.
    W512,
}

impl Width {
    /// That of vectors which Cranelift does not have.
    pub(in crate::cpu) fn of(vectors: Vectors) -> Option<Width> {
        match vectors {
            Vectors::None | Vectors::Bits128 => None,
            Vectors::Bits256 => Some(Width::W256),
            Vectors::Bits512 => Some(Width::W512),
        }
    }

    /// Bytes of a vector.
    pub(in crate::cpu) fn bytes(self) -> usize {
        match self {
            Width::W256 => 32,
            Width::W512 => 64,
        }
    }
}

/// The forms of an operation on one element type.
#[derive(Clone, Copy)]
pub(super) struct Forms {
    scalar: [Code; 2],
    vector: [Code; 2],
}

impl Forms {
    /// The form for a register of a type.
    pub(super) fn of(self, width: Width, ty: Type) -> Code {
        let forms = match ty.is_vector() {
            true => self.vector,
            false => self.scalar,
        };
        match width {
            Width::W256 => forms[0],
            Width::W512 => forms[1],
        }
    }
}

/// An operation on elements of 4 bytes and on those of 8.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    narrow: Forms,
    wide: Forms,
}

impl Pair {
    /// The forms for lanes of 8 bytes.
    pub(super) fn wide(self) -> Forms {
        self.wide
    }

    /// The forms for the lanes of a type.
    pub(super) fn lanes(self, ty: Type) -> Forms {
        match ty.lane_bits() {
            64 => self.wide,
            _ => self.narrow,
        }
    }

    /// The form for a register of a type.
    pub(super) fn of(self, width: Width, ty: Type) -> Code {
        self.lanes(ty).of(width, ty)
    }
}

/// Two lines an operation: its forms for 4 bytes and for 8, each for 256 bits, 512 bits, and if they have
/// any the scalar ones beside.
macro_rules! pairs {
    ($($(#[$doc:meta])* $name:ident: $(
        [$narrow:ident $wide:ident $(; $narrow_scalar:ident $wide_scalar:ident)?]
    )*;)*) => {
        $($(#[$doc])* pub(super) const $name: Pair = {
            let [narrow, wide] = [$(Forms {
                vector: [Code::$narrow, Code::$wide],
                scalar: pairs!(@scalar $($narrow_scalar $wide_scalar)?),
            }),*];
            Pair { narrow, wide }
        };)*
    };
    (@scalar $narrow:ident $wide:ident) => { [Code::$narrow, Code::$wide] };
    (@scalar) => { [Code::INVALID; 2] };
}

pairs! {
    ADD:
        [VEX_Vaddps_ymm_ymm_ymmm256 EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er; VEX_Vaddss_xmm_xmm_xmmm32 EVEX_Vaddss_xmm_k1z_xmm_xmmm32_er]
        [VEX_Vaddpd_ymm_ymm_ymmm256 EVEX_Vaddpd_zmm_k1z_zmm_zmmm512b64_er; VEX_Vaddsd_xmm_xmm_xmmm64 EVEX_Vaddsd_xmm_k1z_xmm_xmmm64_er];
    SUB:
        [VEX_Vsubps_ymm_ymm_ymmm256 EVEX_Vsubps_zmm_k1z_zmm_zmmm512b32_er; VEX_Vsubss_xmm_xmm_xmmm32 EVEX_Vsubss_xmm_k1z_xmm_xmmm32_er]
        [VEX_Vsubpd_ymm_ymm_ymmm256 EVEX_Vsubpd_zmm_k1z_zmm_zmmm512b64_er; VEX_Vsubsd_xmm_xmm_xmmm64 EVEX_Vsubsd_xmm_k1z_xmm_xmmm64_er];
    MUL:
        [VEX_Vmulps_ymm_ymm_ymmm256 EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er; VEX_Vmulss_xmm_xmm_xmmm32 EVEX_Vmulss_xmm_k1z_xmm_xmmm32_er]
        [VEX_Vmulpd_ymm_ymm_ymmm256 EVEX_Vmulpd_zmm_k1z_zmm_zmmm512b64_er; VEX_Vmulsd_xmm_xmm_xmmm64 EVEX_Vmulsd_xmm_k1z_xmm_xmmm64_er];
    DIV:
        [VEX_Vdivps_ymm_ymm_ymmm256 EVEX_Vdivps_zmm_k1z_zmm_zmmm512b32_er; VEX_Vdivss_xmm_xmm_xmmm32 EVEX_Vdivss_xmm_k1z_xmm_xmmm32_er]
        [VEX_Vdivpd_ymm_ymm_ymmm256 EVEX_Vdivpd_zmm_k1z_zmm_zmmm512b64_er; VEX_Vdivsd_xmm_xmm_xmmm64 EVEX_Vdivsd_xmm_k1z_xmm_xmmm64_er];
    /// `a < b ? a : b`.
    MIN:
        [VEX_Vminps_ymm_ymm_ymmm256 EVEX_Vminps_zmm_k1z_zmm_zmmm512b32_sae; VEX_Vminss_xmm_xmm_xmmm32 EVEX_Vminss_xmm_k1z_xmm_xmmm32_sae]
        [VEX_Vminpd_ymm_ymm_ymmm256 EVEX_Vminpd_zmm_k1z_zmm_zmmm512b64_sae; VEX_Vminsd_xmm_xmm_xmmm64 EVEX_Vminsd_xmm_k1z_xmm_xmmm64_sae];
    /// `a > b ? a : b`.
    MAX:
        [VEX_Vmaxps_ymm_ymm_ymmm256 EVEX_Vmaxps_zmm_k1z_zmm_zmmm512b32_sae; VEX_Vmaxss_xmm_xmm_xmmm32 EVEX_Vmaxss_xmm_k1z_xmm_xmmm32_sae]
        [VEX_Vmaxpd_ymm_ymm_ymmm256 EVEX_Vmaxpd_zmm_k1z_zmm_zmmm512b64_sae; VEX_Vmaxsd_xmm_xmm_xmmm64 EVEX_Vmaxsd_xmm_k1z_xmm_xmmm64_sae];
    /// `a = b * a + c`, where c may be in memory.
    MULTIPLY_ADD_213:
        [VEX_Vfmadd213ps_ymm_ymm_ymmm256 EVEX_Vfmadd213ps_zmm_k1z_zmm_zmmm512b32_er; VEX_Vfmadd213ss_xmm_xmm_xmmm32 EVEX_Vfmadd213ss_xmm_k1z_xmm_xmmm32_er]
        [VEX_Vfmadd213pd_ymm_ymm_ymmm256 EVEX_Vfmadd213pd_zmm_k1z_zmm_zmmm512b64_er; VEX_Vfmadd213sd_xmm_xmm_xmmm64 EVEX_Vfmadd213sd_xmm_k1z_xmm_xmmm64_er];
    /// `a = b * c + a`, where c may be in memory.
    MULTIPLY_ADD_231:
        [VEX_Vfmadd231ps_ymm_ymm_ymmm256 EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er; VEX_Vfmadd231ss_xmm_xmm_xmmm32 EVEX_Vfmadd231ss_xmm_k1z_xmm_xmmm32_er]
        [VEX_Vfmadd231pd_ymm_ymm_ymmm256 EVEX_Vfmadd231pd_zmm_k1z_zmm_zmmm512b64_er; VEX_Vfmadd231sd_xmm_xmm_xmmm64 EVEX_Vfmadd231sd_xmm_k1z_xmm_xmmm64_er];
    /// Of a scalar the first operand is what the other lanes are.
    SQRT:
        [VEX_Vsqrtps_ymm_ymmm256 EVEX_Vsqrtps_zmm_k1z_zmmm512b32_er; VEX_Vsqrtss_xmm_xmm_xmmm32 EVEX_Vsqrtss_xmm_k1z_xmm_xmmm32_er]
        [VEX_Vsqrtpd_ymm_ymmm256 EVEX_Vsqrtpd_zmm_k1z_zmmm512b64_er; VEX_Vsqrtsd_xmm_xmm_xmmm64 EVEX_Vsqrtsd_xmm_k1z_xmm_xmmm64_er];
    /// Rounds as the last operand says.
    ROUND:
        [VEX_Vroundps_ymm_ymmm256_imm8 EVEX_Vrndscaleps_zmm_k1z_zmmm512b32_imm8_sae; VEX_Vroundss_xmm_xmm_xmmm32_imm8 EVEX_Vrndscaless_xmm_k1z_xmm_xmmm32_imm8_sae]
        [VEX_Vroundpd_ymm_ymmm256_imm8 EVEX_Vrndscalepd_zmm_k1z_zmmm512b64_imm8_sae; VEX_Vroundsd_xmm_xmm_xmmm64_imm8 EVEX_Vrndscalesd_xmm_k1z_xmm_xmmm64_imm8_sae];
    /// To a vector of ones and zeros, or to a mask register.
    COMPARE:
        [VEX_Vcmpps_ymm_ymm_ymmm256_imm8 EVEX_Vcmpps_kr_k1_zmm_zmmm512b32_imm8_sae; VEX_Vcmpss_xmm_xmm_xmmm32_imm8 EVEX_Vcmpss_kr_k1_xmm_xmmm32_imm8_sae]
        [VEX_Vcmppd_ymm_ymm_ymmm256_imm8 EVEX_Vcmppd_kr_k1_zmm_zmmm512b64_imm8_sae; VEX_Vcmpsd_xmm_xmm_xmmm64_imm8 EVEX_Vcmpsd_kr_k1_xmm_xmmm64_imm8_sae];
    /// To the flags.
    COMPARE_FLAGS:
        [INVALID INVALID; VEX_Vucomiss_xmm_xmmm32 EVEX_Vucomiss_xmm_xmmm32_sae]
        [INVALID INVALID; VEX_Vucomisd_xmm_xmmm64 EVEX_Vucomisd_xmm_xmmm64_sae];
    LOAD:
        [VEX_Vmovups_ymm_ymmm256 EVEX_Vmovups_zmm_k1z_zmmm512; VEX_Vmovss_xmm_m32 EVEX_Vmovss_xmm_k1z_m32]
        [VEX_Vmovupd_ymm_ymmm256 EVEX_Vmovupd_zmm_k1z_zmmm512; VEX_Vmovsd_xmm_m64 EVEX_Vmovsd_xmm_k1z_m64];
    STORE:
        [VEX_Vmovups_ymmm256_ymm EVEX_Vmovups_zmmm512_k1z_zmm; VEX_Vmovss_m32_xmm EVEX_Vmovss_m32_k1_xmm]
        [VEX_Vmovupd_ymmm256_ymm EVEX_Vmovupd_zmmm512_k1z_zmm; VEX_Vmovsd_m64_xmm EVEX_Vmovsd_m64_k1_xmm];
    /// The lanes whose bits are set in a mask, of memory.
    LOAD_MASKED:
        [VEX_Vmaskmovps_ymm_ymm_m256 EVEX_Vmovups_zmm_k1z_zmmm512]
        [VEX_Vmaskmovpd_ymm_ymm_m256 EVEX_Vmovupd_zmm_k1z_zmmm512];
    STORE_MASKED:
        [VEX_Vmaskmovps_m256_ymm_ymm EVEX_Vmovups_zmmm512_k1z_zmm]
        [VEX_Vmaskmovpd_m256_ymm_ymm EVEX_Vmovupd_zmmm512_k1z_zmm];
    /// An element of memory in every lane.
    BROADCAST_MEMORY:
        [VEX_Vbroadcastss_ymm_m32 EVEX_Vbroadcastss_zmm_k1z_xmmm32]
        [VEX_Vbroadcastsd_ymm_m64 EVEX_Vbroadcastsd_zmm_k1z_xmmm64];
    /// The first lane in every lane.
    BROADCAST:
        [VEX_Vbroadcastss_ymm_xmm EVEX_Vbroadcastss_zmm_k1z_xmmm32]
        [VEX_Vbroadcastsd_ymm_xmm EVEX_Vbroadcastsd_zmm_k1z_xmmm64];
    /// An integer register in every lane; at 256 bits there is none.
    BROADCAST_INTEGER:
        [INVALID EVEX_Vpbroadcastd_zmm_k1z_r32]
        [INVALID EVEX_Vpbroadcastq_zmm_k1z_r64];
    /// An integer register in the first lane.
    FROM_INTEGER:
        [VEX_Vmovd_xmm_rm32 EVEX_Vmovd_xmm_rm32; VEX_Vmovd_xmm_rm32 EVEX_Vmovd_xmm_rm32]
        [VEX_Vmovq_xmm_rm64 EVEX_Vmovq_xmm_rm64; VEX_Vmovq_xmm_rm64 EVEX_Vmovq_xmm_rm64];
    /// The first lane in an integer register.
    TO_INTEGER:
        [VEX_Vmovd_rm32_xmm EVEX_Vmovd_rm32_xmm; VEX_Vmovd_rm32_xmm EVEX_Vmovd_rm32_xmm]
        [VEX_Vmovq_rm64_xmm EVEX_Vmovq_rm64_xmm; VEX_Vmovq_rm64_xmm EVEX_Vmovq_rm64_xmm];
    /// A lane of 128 bits in an integer register.
    EXTRACT_INTEGER:
        [VEX_Vpextrd_rm32_xmm_imm8 EVEX_Vpextrd_rm32_xmm_imm8]
        [VEX_Vpextrq_rm64_xmm_imm8 EVEX_Vpextrq_rm64_xmm_imm8];
    /// 128 bits of a vector.
    EXTRACT_PART:
        [VEX_Vextractf128_xmmm128_ymm_imm8 EVEX_Vextractf32x4_xmmm128_k1z_zmm_imm8]
        [VEX_Vextractf128_xmmm128_ymm_imm8 EVEX_Vextractf64x2_xmmm128_k1z_zmm_imm8];
    AND:
        [VEX_Vandps_ymm_ymm_ymmm256 EVEX_Vpandd_zmm_k1z_zmm_zmmm512b32; VEX_Vandps_xmm_xmm_xmmm128 EVEX_Vpandd_xmm_k1z_xmm_xmmm128b32]
        [VEX_Vandpd_ymm_ymm_ymmm256 EVEX_Vpandq_zmm_k1z_zmm_zmmm512b64; VEX_Vandpd_xmm_xmm_xmmm128 EVEX_Vpandq_xmm_k1z_xmm_xmmm128b64];
    /// `!a & b`.
    NOT_AND:
        [VEX_Vandnps_ymm_ymm_ymmm256 EVEX_Vpandnd_zmm_k1z_zmm_zmmm512b32; VEX_Vandnps_xmm_xmm_xmmm128 EVEX_Vpandnd_xmm_k1z_xmm_xmmm128b32]
        [VEX_Vandnpd_ymm_ymm_ymmm256 EVEX_Vpandnq_zmm_k1z_zmm_zmmm512b64; VEX_Vandnpd_xmm_xmm_xmmm128 EVEX_Vpandnq_xmm_k1z_xmm_xmmm128b64];
    OR:
        [VEX_Vorps_ymm_ymm_ymmm256 EVEX_Vpord_zmm_k1z_zmm_zmmm512b32; VEX_Vorps_xmm_xmm_xmmm128 EVEX_Vpord_xmm_k1z_xmm_xmmm128b32]
        [VEX_Vorpd_ymm_ymm_ymmm256 EVEX_Vporq_zmm_k1z_zmm_zmmm512b64; VEX_Vorpd_xmm_xmm_xmmm128 EVEX_Vporq_xmm_k1z_xmm_xmmm128b64];
    XOR:
        [VEX_Vxorps_ymm_ymm_ymmm256 EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32; VEX_Vxorps_xmm_xmm_xmmm128 EVEX_Vpxord_xmm_k1z_xmm_xmmm128b32]
        [VEX_Vxorpd_ymm_ymm_ymmm256 EVEX_Vpxorq_zmm_k1z_zmm_zmmm512b64; VEX_Vxorpd_xmm_xmm_xmmm128 EVEX_Vpxorq_xmm_k1z_xmm_xmmm128b64];
    /// By a mask: the last operand where it holds.
    BLEND:
        [VEX_Vblendvps_ymm_ymm_ymmm256_ymm EVEX_Vblendmps_zmm_k1z_zmm_zmmm512b32; VEX_Vblendvps_xmm_xmm_xmmm128_xmm EVEX_Vblendmps_xmm_k1z_xmm_xmmm128b32]
        [VEX_Vblendvpd_ymm_ymm_ymmm256_ymm EVEX_Vblendmpd_zmm_k1z_zmm_zmmm512b64; VEX_Vblendvpd_xmm_xmm_xmmm128_xmm EVEX_Vblendmpd_xmm_k1z_xmm_xmmm128b64];
    /// Any function of three bits, at 512 bits.
    TERNARY:
        [INVALID EVEX_Vpternlogd_zmm_k1z_zmm_zmmm512b32_imm8]
        [INVALID EVEX_Vpternlogq_zmm_k1z_zmm_zmmm512b64_imm8];
    /// What a mask register keeps of a vector.
    MOVE_MASKED:
        [INVALID EVEX_Vmovdqa32_zmm_k1z_zmmm512]
        [INVALID EVEX_Vmovdqa64_zmm_k1z_zmmm512];
    /// A mask register as ones and zeros.
    FROM_MASK:
        [INVALID EVEX_Vpmovm2d_zmm_kr]
        [INVALID EVEX_Vpmovm2q_zmm_kr];
    /// The signs of lanes in a mask register.
    TO_MASK:
        [INVALID EVEX_Vpmovd2m_kr_zmm]
        [INVALID EVEX_Vpmovq2m_kr_zmm];
    ADD_INTEGER:
        [VEX_Vpaddd_ymm_ymm_ymmm256 EVEX_Vpaddd_zmm_k1z_zmm_zmmm512b32]
        [VEX_Vpaddq_ymm_ymm_ymmm256 EVEX_Vpaddq_zmm_k1z_zmm_zmmm512b64];
    SUB_INTEGER:
        [VEX_Vpsubd_ymm_ymm_ymmm256 EVEX_Vpsubd_zmm_k1z_zmm_zmmm512b32]
        [VEX_Vpsubq_ymm_ymm_ymmm256 EVEX_Vpsubq_zmm_k1z_zmm_zmmm512b64];
    MUL_INTEGER:
        [VEX_Vpmulld_ymm_ymm_ymmm256 EVEX_Vpmulld_zmm_k1z_zmm_zmmm512b32]
        [INVALID EVEX_Vpmullq_zmm_k1z_zmm_zmmm512b64];
    MIN_SIGNED:
        [VEX_Vpminsd_ymm_ymm_ymmm256 EVEX_Vpminsd_zmm_k1z_zmm_zmmm512b32]
        [INVALID EVEX_Vpminsq_zmm_k1z_zmm_zmmm512b64];
    MAX_SIGNED:
        [VEX_Vpmaxsd_ymm_ymm_ymmm256 EVEX_Vpmaxsd_zmm_k1z_zmm_zmmm512b32]
        [INVALID EVEX_Vpmaxsq_zmm_k1z_zmm_zmmm512b64];
    MIN_UNSIGNED:
        [VEX_Vpminud_ymm_ymm_ymmm256 EVEX_Vpminud_zmm_k1z_zmm_zmmm512b32]
        [INVALID EVEX_Vpminuq_zmm_k1z_zmm_zmmm512b64];
    MAX_UNSIGNED:
        [VEX_Vpmaxud_ymm_ymm_ymmm256 EVEX_Vpmaxud_zmm_k1z_zmm_zmmm512b32]
        [INVALID EVEX_Vpmaxuq_zmm_k1z_zmm_zmmm512b64];
    ABS_INTEGER:
        [VEX_Vpabsd_ymm_ymmm256 EVEX_Vpabsd_zmm_k1z_zmmm512b32]
        [INVALID EVEX_Vpabsq_zmm_k1z_zmmm512b64];
    SHIFT_LEFT:
        [VEX_Vpslld_ymm_ymm_imm8 EVEX_Vpslld_zmm_k1z_zmmm512b32_imm8]
        [VEX_Vpsllq_ymm_ymm_imm8 EVEX_Vpsllq_zmm_k1z_zmmm512b64_imm8];
    SHIFT_RIGHT_UNSIGNED:
        [VEX_Vpsrld_ymm_ymm_imm8 EVEX_Vpsrld_zmm_k1z_zmmm512b32_imm8]
        [VEX_Vpsrlq_ymm_ymm_imm8 EVEX_Vpsrlq_zmm_k1z_zmmm512b64_imm8];
    SHIFT_RIGHT_SIGNED:
        [VEX_Vpsrad_ymm_ymm_imm8 EVEX_Vpsrad_zmm_k1z_zmmm512b32_imm8]
        [INVALID EVEX_Vpsraq_zmm_k1z_zmmm512b64_imm8];
    COMPARE_EQUAL_INTEGER:
        [VEX_Vpcmpeqd_ymm_ymm_ymmm256 INVALID]
        [VEX_Vpcmpeqq_ymm_ymm_ymmm256 INVALID];
    COMPARE_GREATER_INTEGER:
        [VEX_Vpcmpgtd_ymm_ymm_ymmm256 INVALID]
        [VEX_Vpcmpgtq_ymm_ymm_ymmm256 INVALID];
    /// To a mask register, as the last operand says.
    COMPARE_SIGNED:
        [INVALID EVEX_Vpcmpd_kr_k1_zmm_zmmm512b32_imm8]
        [INVALID EVEX_Vpcmpq_kr_k1_zmm_zmmm512b64_imm8];
    COMPARE_UNSIGNED:
        [INVALID EVEX_Vpcmpud_kr_k1_zmm_zmmm512b32_imm8]
        [INVALID EVEX_Vpcmpuq_kr_k1_zmm_zmmm512b64_imm8];
    /// Halves of a vector, or quarters, in the order of the last operand.
    SHUFFLE_PARTS:
        [VEX_Vperm2f128_ymm_ymm_ymmm256_imm8 EVEX_Vshuff32x4_zmm_k1z_zmm_zmmm512b32_imm8]
        [VEX_Vperm2f128_ymm_ymm_ymmm256_imm8 EVEX_Vshuff64x2_zmm_k1z_zmm_zmmm512b64_imm8];
    /// The lower lanes of each 128 bits of two, one of each in turn.
    WEAVE_LOW:
        [VEX_Vunpcklps_ymm_ymm_ymmm256 EVEX_Vunpcklps_zmm_k1z_zmm_zmmm512b32]
        [VEX_Vunpcklpd_ymm_ymm_ymmm256 EVEX_Vunpcklpd_zmm_k1z_zmm_zmmm512b64];
    /// The upper ones.
    WEAVE_HIGH:
        [VEX_Vunpckhps_ymm_ymm_ymmm256 EVEX_Vunpckhps_zmm_k1z_zmm_zmmm512b32]
        [VEX_Vunpckhpd_ymm_ymm_ymmm256 EVEX_Vunpckhpd_zmm_k1z_zmm_zmmm512b64];
    /// The lanes of the last operand in the order of the one before; at 256 bits, wide lanes in the order of a
    /// number.
    PERMUTE:
        [VEX_Vpermps_ymm_ymm_ymmm256 EVEX_Vpermps_zmm_k1z_zmm_zmmm512b32]
        [VEX_Vpermpd_ymm_ymmm256_imm8 EVEX_Vpermpd_zmm_k1z_zmm_zmmm512b64];
    /// The lanes of the first and the last operand, one behind the other, in the order of that between.
    PERMUTE_TWO:
        [INVALID EVEX_Vpermt2ps_zmm_k1z_zmm_zmmm512b32]
        [INVALID EVEX_Vpermt2pd_zmm_k1z_zmm_zmmm512b64];
    /// The lanes of each 128 bits in the order of the last operand.
    SHUFFLE_LANES:
        [VEX_Vpermilps_ymm_ymmm256_imm8 EVEX_Vpermilps_zmm_k1z_zmmm512b32_imm8]
        [VEX_Vpermilpd_ymm_ymmm256_imm8 EVEX_Vpermilpd_zmm_k1z_zmmm512b64_imm8];
}

/// An operation that only elements of 4 bytes have.
macro_rules! singles {
    ($($(#[$doc:meta])* $name:ident: $narrow:ident $wide:ident;)*) => {
        $($(#[$doc])* pub(super) const $name: Forms = Forms {
            vector: [Code::$narrow, Code::$wide],
            scalar: [Code::INVALID; 2],
        };)*
    };
}

singles! {
    FLOAT_FROM_SIGNED: VEX_Vcvtdq2ps_ymm_ymmm256 EVEX_Vcvtdq2ps_zmm_k1z_zmmm512b32_er;
    FLOAT_FROM_UNSIGNED: INVALID EVEX_Vcvtudq2ps_zmm_k1z_zmmm512b32_er;
    SIGNED_FROM_FLOAT: VEX_Vcvttps2dq_ymm_ymmm256 EVEX_Vcvttps2dq_zmm_k1z_zmmm512b32_sae;
    UNSIGNED_FROM_FLOAT: INVALID EVEX_Vcvttps2udq_zmm_k1z_zmmm512b32_sae;
    /// Elements of 2 bytes in memory, each in a lane.
    LOAD_HALVES: VEX_Vpmovzxwd_ymm_xmmm128 EVEX_Vpmovzxwd_zmm_k1z_ymmm256;
    /// The lower 2 bytes of each lane, to memory.
    STORE_HALVES: INVALID EVEX_Vpmovdw_ymmm256_k1z_zmm;
}
