package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// This file reads LevelDB's tables, after tensorflow/core/lib/io/table_format.txt.
// goleveldb reads them too, but takes the sizes in a broken file at their word
// and asks for as much memory.

var errTable = errors.New("no table, or a broken one")

const (
	footerSize  = 48
	tableMagic  = 0xdb4775248b80fb57
	trailerSize = 5 // of a block: its compression, and its checksum
)

// readTable hands the entries of a table to each, in the order of their keys,
// up to its first error.
func readTable(data []byte, each func(key, value []byte) error) error {
	if len(data) < footerSize {
		return errTable
	}
	footer := data[len(data)-footerSize:]
	if binary.LittleEndian.Uint64(footer[footerSize-8:]) != tableMagic {
		return errTable
	}
	_, n, err := readHandle(footer) // of the meta index, which TensorFlow leaves empty
	if err != nil {
		return err
	}
	index, _, err := readHandle(footer[n:])
	if err != nil {
		return err
	}
	return readBlock(data, index, func(_, value []byte) error {
		block, _, err := readHandle(value)
		if err != nil {
			return err
		}
		return readBlock(data, block, each)
	})
}

// A handle is where a block lies.
type handle struct{ offset, size uint64 }

// readHandle returns a handle and its length in bytes.
func readHandle(data []byte) (h handle, n int, err error) {
	offset, n := binary.Uvarint(data)
	if n <= 0 {
		return h, 0, errTable
	}
	size, m := binary.Uvarint(data[n:])
	if m <= 0 {
		return h, 0, errTable
	}
	return handle{offset, size}, n + m, nil
}

// readBlock hands the entries of a block to each.
func readBlock(data []byte, h handle, each func(key, value []byte) error) error {
	whole := uint64(len(data))
	if h.offset > whole || h.size > whole-h.offset || whole-h.offset-h.size < trailerSize || h.size < 4 {
		return errTable
	}
	data = data[h.offset : h.offset+h.size+trailerSize]
	sum := crc32.Checksum(data[:h.size+1], crc32.MakeTable(crc32.Castagnoli))
	if masked := (sum>>15 | sum<<17) + 0xa282ead8; masked != binary.LittleEndian.Uint32(data[h.size+1:]) {
		return fmt.Errorf("%w: wrong checksum", errTable)
	}
	if compression := data[h.size]; compression != 0 {
		return fmt.Errorf("compressed by method %d, want none, as TensorFlow writes it", compression)
	}
	// At the end stand the offsets of entries with whole keys, and their number.
	restarts := uint64(binary.LittleEndian.Uint32(data[h.size-4:]))
	if restarts > (h.size-4)/4 {
		return errTable
	}
	data = data[:h.size-4-4*restarts]
	var key []byte
	for len(data) > 0 {
		var sizes [3]uint64 // of what the key shares with the one before, of the rest of it, of the value
		for i := range sizes {
			x, n := binary.Uvarint(data)
			if n <= 0 {
				return errTable
			}
			sizes[i], data = x, data[n:]
		}
		shared, rest, value := sizes[0], sizes[1], sizes[2]
		left := uint64(len(data))
		if shared > uint64(len(key)) || rest > left || value > left-rest {
			return errTable
		}
		key = append(key[:shared:shared], data[:rest]...)
		if err := each(key, data[rest:rest+value]); err != nil {
			return err
		}
		data = data[rest+value:]
	}
	return nil
}
