/* The frames that an Initial packet may carry: RFC 9000 sections 12.4, 17.2.2 and 19. */
#include "proto/quic/quic_initial.h"

#include "proto/quic/varint_impl.h"

enum frame_type {
	FRAME_PADDING = 0x00,
	FRAME_PING = 0x01,
	FRAME_ACK = 0x02,
	FRAME_ACK_ECN = 0x03,
	FRAME_CRYPTO = 0x06,
	FRAME_CONNECTION_CLOSE = 0x1c,
};

static void skip_acknowledgement(struct cursor *frames, bool with_ecn)
{
	uint64_t ranges;

	(void)cursor_varint(frames); /* largest acknowledged */
	(void)cursor_varint(frames); /* delay */
	ranges = cursor_varint(frames);
	(void)cursor_varint(frames); /* first range */
	for (; ranges > 0 && !cursor_failed(frames); ranges--) {
		(void)cursor_varint(frames); /* gap */
		(void)cursor_varint(frames); /* length */
	}
	for (int counts = with_ecn ? 3 : 0; counts > 0; counts--)
		(void)cursor_varint(frames);
}

static void skip_close(struct cursor *frames)
{
	(void)cursor_varint(frames); /* error */
	(void)cursor_varint(frames); /* frame type */
	(void)cursor_take_varint_vector(frames);
}

static void take_crypto(struct cursor *frames, struct quic_crypto_frame *crypto)
{
	struct cursor data;

	crypto->offset = cursor_varint(frames);
	data = cursor_take_varint_vector(frames);
	crypto->bytes = data.at;
	crypto->length = cursor_left(&data);
}

enum quic_frame quic_take_crypto(struct cursor *frames, struct quic_crypto_frame *ret_crypto)
{
	while (cursor_left(frames)) {
		struct quic_crypto_frame crypto;

		switch (cursor_u8(frames)) { /* types are one byte: the shortest form is required */
		case FRAME_PADDING:
		case FRAME_PING:
			break;
		case FRAME_ACK:
			skip_acknowledgement(frames, false);
			break;
		case FRAME_ACK_ECN:
			skip_acknowledgement(frames, true);
			break;
		case FRAME_CONNECTION_CLOSE:
			skip_close(frames);
			break;
		case FRAME_CRYPTO:
			take_crypto(frames, &crypto);
			if (cursor_failed(frames))
				return QUIC_FRAME_MALFORMED;
			*ret_crypto = crypto;
			return QUIC_FRAME_CRYPTO;
		default:
			return QUIC_FRAME_MALFORMED;
		}
	}
	return cursor_failed(frames) ? QUIC_FRAME_MALFORMED : QUIC_FRAME_NONE;
}
