package tools

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif" // a still is made of one
	"image/jpeg"
	_ "image/png" // no transparency in what Microsoft takes
	"strings"

	"cipp-mcp/internal/jobs"
)

const (
	largestPhoto = 800 << 10
	mostPixels   = 25 << 20 // a small file can unfold to a huge picture
)

// photo is the picture an argument gives, as JPEG: of an animated GIF the first frame, on white where it is transparent.
func (c *Call) photo(ctx context.Context, in map[string]any) ([]byte, error) {
	path, _ := in["path"].(string)
	text, _ := in["base64"].(string)
	for name := range in {
		if name != "path" && name != "base64" {
			return nil, invalid("photo takes path or base64, not %q.", Clean(name, 40))
		}
	}
	var raw []byte
	var err error
	switch {
	case (path == "") == (text == ""):
		return nil, invalid("photo takes path or base64, one of the two.")
	case text != "":
		if _, data, ok := strings.Cut(text, ";base64,"); ok && strings.HasPrefix(text, "data:image/") {
			text = data
		}
		if base64.StdEncoding.DecodedLen(len(text)) > largestPhoto+3 {
			return nil, tooLarge()
		}
		if raw, err = base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err != nil {
			return nil, invalid("photo.base64 is no base64.")
		}
	default:
		if raw, err = c.photoFile(ctx, path); err != nil {
			return nil, err
		}
	}
	return still(raw)
}

func tooLarge() error { return invalid("photo must be smaller than 800 KB.") }

// photoFile reads a picture from the operator's folder and from nowhere else. What is planned is what is set: a file
// that changed since is refused.
func (c *Call) photoFile(ctx context.Context, path string) ([]byte, error) {
	folder := c.Policy.Config.Photos.Folder
	if folder == "" {
		return nil, &Problem{Code: "invalid_argument", Message: "This server reads pictures from no folder (photos.folder).", Next: "Give the picture as photo.base64, or ask the operator to name a folder."}
	}
	raw, err := fromFolder("photo.path", folder, path, largestPhoto+1)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	now := hex.EncodeToString(sum[:])
	planned, err := jobs.Found(ctx, c.Run, "photo", func(context.Context) (string, error) { return now, nil })
	if err == nil && planned != now {
		err = invalid("photo.path: %q is another picture than the one that was planned.", Clean(path, 120))
	}
	return raw, err
}

// still is a picture as JPEG.
func still(raw []byte) ([]byte, error) {
	if len(raw) > largestPhoto {
		return nil, tooLarge()
	}
	size, kind, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, invalid("photo must be a JPG, PNG or GIF picture.")
	}
	if size.Width < 1 || size.Height < 1 || size.Width > mostPixels/size.Height {
		return nil, invalid("photo has too many pixels (%d x %d).", size.Width, size.Height)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, invalid("photo is a damaged picture.")
	}
	if kind == "jpeg" {
		return raw, nil
	}
	flat := image.NewRGBA(img.Bounds())
	draw.Draw(flat, flat.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Bounds(), img, img.Bounds().Min, draw.Over)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, flat, &jpeg.Options{Quality: 92}); err != nil {
		return nil, invalid("photo cannot be made a JPG.")
	}
	return out.Bytes(), nil
}
