package data

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "golang.org/x/image/webp" // as commands have it

	"github.com/autotailor/autotailor/internal/torch"
)

// pillow writes pictures of many kinds and prints what torchvision's Resize and CenterCrop make of them, in Pillow's arithmetic.
const pillow = `
import io, json, random, sys
import numpy as np
from PIL import Image, ImageOps
out, rng, cases = sys.argv[1], np.random.RandomState(3), []

def picture(w, h, channels):
    y, x = np.mgrid[0:h, 0:w]
    planes = []
    for c in range(channels):
        a, b, p = rng.uniform(2, 9, 3)
        planes.append(127 + 70 * np.sin(x / a + p) + 45 * np.cos(y / b) + rng.normal(0, 6, (h, w)))
    a = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
    return Image.fromarray(a[..., 0] if channels == 1 else a)

def expected(path, resize, side, channels):
    with Image.open(path) as im:
        im = ImageOps.exif_transpose(im).convert("L" if channels == 1 else "RGB")
    w, h = im.size
    im = im.resize((resize, int(resize * h / w)) if w < h else (int(resize * w / h), resize), Image.BILINEAR)
    left, top = (int(round((n - side) / 2.0)) for n in im.size)
    a = np.asarray(im.crop((left, top, left + side, top + side))).reshape(side, side, channels)
    return a.transpose(2, 0, 1).ravel().tolist()

def case(name, save, resize, side, channels):
    path = f"{out}/{len(cases)}.{name.split()[0]}"
    save(path)
    cases.append({"name": name, "file": path, "resize": resize, "side": side, "channels": channels, "want": expected(path, resize, side, channels)})

for w, h in ((37, 53), (64, 64), (101, 40), (33, 47)):
    for resize, side in ((32, 28), (48, 48), (20, 16)):
        case(f"png rgb {w}x{h}", lambda p: picture(w, h, 3).save(p), resize, side, 3)
        for sub in (0, 1, 2):
            case(f"jpeg subsampling {sub} {w}x{h}", lambda p: picture(w, h, 3).save(p, quality=92, subsampling=sub), resize, side, 3)
case("png grey", lambda p: picture(50, 41, 1).save(p), 32, 28, 1)
case("png grey to colours", lambda p: picture(50, 41, 1).save(p), 32, 28, 3)
case("png colours to grey", lambda p: picture(50, 41, 3).save(p), 32, 28, 1)
case("png with opacity", lambda p: (lambda im: (im.putalpha(picture(50, 41, 1)), im.save(p)))(picture(50, 41, 3)), 32, 28, 3)
case("png palette", lambda p: picture(50, 41, 3).quantize(17).save(p), 32, 28, 3)
case("gif palette", lambda p: picture(50, 41, 3).quantize(17).save(p), 32, 28, 3)
case("webp lossless", lambda p: picture(50, 41, 3).save(p, lossless=True), 32, 28, 3)
case("webp lossy", lambda p: picture(50, 41, 3).save(p, quality=90), 32, 28, 3)
case("webp lossy with opacity", lambda p: (lambda im: (im.putalpha(picture(50, 41, 1)), im.save(p, quality=90)))(picture(50, 41, 3)), 32, 28, 3)
case("jpeg colours to grey", lambda p: picture(50, 41, 3).save(p, quality=92), 32, 28, 1)
case("jpeg grey", lambda p: picture(50, 41, 1).save(p, quality=92), 32, 28, 1)
case("jpeg grey to colours", lambda p: picture(50, 41, 1).save(p, quality=92), 32, 28, 3)
case("jpeg progressive", lambda p: picture(50, 41, 3).save(p, quality=90, progressive=True), 32, 28, 3)
for turn in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = turn
    case(f"png turned {turn}", lambda p: picture(50, 41, 3).save(p, exif=exif), 32, 28, 3)
    case(f"webp lossless turned {turn}", lambda p: picture(50, 41, 3).save(p, exif=exif, lossless=True), 32, 28, 3)
    exif = Image.Exif()
    exif[0x0112] = turn
    case(f"jpeg turned {turn}", lambda p: picture(50, 41, 3).save(p, quality=95, exif=exif), 32, 28, 3)
print(json.dumps(cases))
`

// TestPicturesAreAsPillow: lossless pictures are equal to what Pillow makes of them; of JPEG ones, whose decoders round in their own ways, 99 % of the
// samples differ by at most 1 and all by at most 4; of lossy WebP ones 98 %.
func TestPicturesAreAsPillow(t *testing.T) {
	python := torch.Python(t, "PIL", "numpy")
	dir := t.TempDir()
	out, err := exec.Command(python, "-c", pillow, dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, File             string
		Resize, Side, Channels int
		Want                   []int
	}
	if err := json.Unmarshal(out, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		raw, err := os.ReadFile(c.File)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(c.Want))
		if err := (Size{c.Channels, c.Side, c.Resize}).decode(raw, got); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		far, largest := 0, 0
		for i, want := range c.Want {
			d := int(got[i]) - want
			if d = max(d, -d); d > 1 {
				far++
			}
			largest = max(largest, d)
		}
		lossless := filepath.Ext(c.File) != ".jpeg" && !strings.HasPrefix(c.Name, "webp lossy")
		share := 100 // one sample in so many
		if strings.HasPrefix(c.Name, "webp") {
			share = 50 // libwebp rounds colour planes twice when it makes them larger
		}
		if lossless && largest > 0 || largest > 4 || far*share > len(got) {
			t.Errorf("%s to %d, %d: differs by up to %d, %d of %d samples by more than 1", c.Name, c.Resize, c.Side, largest, far, len(got))
		}
	}
}
