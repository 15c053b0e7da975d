#include "proto/tls/hello_reader.h"

#include <string.h>

#define CONTENT_ALERT 21 /* RFC 8446 section 5.1 */
#define LEVEL_FATAL   2  /* RFC 8446 section 6 */

void tls_build_alert(uint8_t description, uint8_t buffer[TLS_ALERT_SIZE])
{
	const uint8_t record[TLS_ALERT_SIZE] = {CONTENT_ALERT, 3,          3, 0, 2,
						LEVEL_FATAL,   description};

	memcpy(buffer, record, sizeof(record));
}
