package adapt

import (
	"cmp"
	"fmt"
	"image"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// Pixels makes input of an image of bytes, [channels, height, width], as t makes it for training.
func Pixels(pixels []byte, channels, height, width int, t data.Transform) Input {
	return func(s nn.Shape) (nn.Tensor, error) {
		if err := isImage(s); err != nil {
			return nn.Tensor{}, err
		}
		if s[1] != channels {
			return nn.Tensor{}, fmt.Errorf("an image of %d channels, the network wants %d", channels, s[1])
		}
		set := &data.Set{N: 1, Channels: channels, Height: height, Width: width, Pixels: pixels, Labels: []int32{0}}
		return t.Batch(set, 0, 1, s[2])
	}
}

// Image makes input of an image, in grey where the network has one channel. An image that t scales or that is no square is cut as data.Size does, so
// that it becomes what the commands count on; t.Crop is needed for that.
func Image(img image.Image, t data.Transform) Input { return upright(img, "", 1, t) }

// upright makes input of an image of a file of some format, see image.Decode, that is turned as EXIF numbers it; 1 is upright.
func upright(img image.Image, format string, turn int, t data.Transform) Input {
	return func(s nn.Shape) (nn.Tensor, error) {
		if err := isImage(s); err != nil {
			return nn.Tensor{}, err
		}
		if s[1] != 1 && s[1] != 3 {
			return nn.Tensor{}, fmt.Errorf("the network wants %d channels, images have 1 or 3", s[1])
		}
		b := img.Bounds()
		to := data.Size{Channels: s[1], Side: t.Crop, Resize: t.Resize}
		if t.Resize == 0 || t.Crop == 0 {
			if to.Side = b.Dx(); b.Dx() != b.Dy() {
				to.Side = cmp.Or(t.Crop, min(b.Dx(), b.Dy()))
			}
			to.Resize = to.Side
		}
		pixels := make([]byte, s[1]*to.Side*to.Side)
		to.Cut(img, format, turn, pixels)
		return Pixels(pixels, s[1], to.Side, to.Side, t)(s)
	}
}

// Tensor makes input of what is input already, of the original's resolution or any other: maps are resized as data.Transform does.
func Tensor(t nn.Tensor) Input {
	return func(s nn.Shape) (nn.Tensor, error) {
		switch {
		case slices.Equal(t.Shape, s):
			return t, nil
		case len(s) == 4 && len(t.Shape) == 4 && s[2] == s[3] && slices.Equal(t.Shape[:2], s[:2]) && t.Type == nn.Float32:
			return data.Resized(t, s[2]), nil
		}
		return nn.Tensor{}, fmt.Errorf("an input of shape %v, the network wants %v", t.Shape, s)
	}
}

func isImage(s nn.Shape) error {
	if len(s) != 4 || s[2] != s[3] {
		return fmt.Errorf("the network wants input of shape %v, which is not a square image", s)
	}
	return nil
}
