package operators

// spectra are Fourier transforms of signals. Their results end in an axis of real and imaginary parts.
var spectra = of(Spectrum,
	Operator{Name: "STFT", Opsets: "17", Sig: "signal frame_step:int window? frame_length:int? -> output", Attrs: "onesided=1"},
	Operator{Name: "DFT", Opsets: "17 20", Sig: "input dft_length:int? axis:int64? -> output", Attrs: "axis=1 inverse=0 onesided=0",
		Changes: "20: the axis is an operand, by default the last one before the parts"},
)
