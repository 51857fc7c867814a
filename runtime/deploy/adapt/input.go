package adapt

import (
	"fmt"
	"image"
	"image/color"
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
		set := &data.Set{N: 1, Channels: channels, Height: height, Width: width, Pixels: pixels}
		return t.Batch(set, 0, 1, s[2]), nil
	}
}

// Image makes input of an image, in grey where the network has one channel.
func Image(img image.Image, t data.Transform) Input {
	return func(s nn.Shape) (nn.Tensor, error) {
		if err := isImage(s); err != nil {
			return nn.Tensor{}, err
		}
		if s[1] != 1 && s[1] != 3 {
			return nn.Tensor{}, fmt.Errorf("the network wants %d channels, images have 1 or 3", s[1])
		}
		b := img.Bounds()
		return Pixels(planes(img, s[1]), s[1], b.Dy(), b.Dx(), t)(s)
	}
}

// planes returns the pixels of an image, channel by channel.
func planes(img image.Image, channels int) []byte {
	b := img.Bounds()
	out := make([]byte, channels*b.Dx()*b.Dy())
	size, i := b.Dx()*b.Dy(), 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if c := img.At(x, y); channels == 1 {
				out[i] = color.GrayModel.Convert(c).(color.Gray).Y
			} else {
				r, g, b, _ := c.RGBA() // 16 bits each
				out[i], out[size+i], out[2*size+i] = byte(r>>8), byte(g>>8), byte(b>>8)
			}
			i++
		}
	}
	return out
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
		return fmt.Errorf("the network wants input of shape %v, which is no square image", s)
	}
	return nil
}
