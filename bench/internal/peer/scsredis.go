package peer

import (
	"errors"
	"time"

	"github.com/gomodule/redigo/redis"
)

// scsRedis makes the same calls as the redisstore of scs: GET to find; MULTI,
// SET, PEXPIREAT and EXEC in one round trip to commit; DEL to delete.
type scsRedis struct{ pool *redis.Pool }

const scsPrefix = "scs:session:"

// Find implements [scs.Store].
func (s *scsRedis) Find(token string) ([]byte, bool, error) {
	conn := s.pool.Get()
	defer conn.Close()
	data, err := redis.Bytes(conn.Do("GET", scsPrefix+token))
	if errors.Is(err, redis.ErrNil) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// Commit implements [scs.Store].
func (s *scsRedis) Commit(token string, data []byte, expiry time.Time) error {
	conn := s.pool.Get()
	defer conn.Close()
	for _, err := range []error{
		conn.Send("MULTI"),
		conn.Send("SET", scsPrefix+token, data),
		conn.Send("PEXPIREAT", scsPrefix+token, expiry.UnixMilli()),
	} {
		if err != nil {
			return err
		}
	}
	_, err := conn.Do("EXEC")
	return err
}

// Delete implements [scs.Store].
func (s *scsRedis) Delete(token string) error {
	conn := s.pool.Get()
	defer conn.Close()
	_, err := conn.Do("DEL", scsPrefix+token)
	return err
}
