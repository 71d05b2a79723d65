// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"context"
	"database/sql/driver"
	"strconv"
	"strings"

	"aeroplane.run/authz"
)

// readDeployments reads what is many, and wide: each deployment says some kilobytes of itself. What matters of them is in two indexes,
// and what is in these comes out in a fraction of the time in which the rows do, where it is asked for in one piece.
func (s *scan) readDeployments() error {
	var refused []string
	add := func(v []driver.Value) {
		if id, parent, ok := s.child("deployment", "service", v, &refused); ok {
			s.Deployments = append(s.Deployments, authz.Deployment{ID: id, ServiceID: parent})
		}
	}
	ids, ok := s.indexed("id")
	parents, okToo := s.indexed("project_id")
	var err error
	if ok && okToo && len(ids.numbers) == len(parents.numbers) {
		err = s.join(ids, parents, add)
	} else {
		err = s.each(deployments, add, "id", "project_id")
	}
	if err != nil {
		return err
	}
	s.Deployments = unique(s, "deployment", s.Deployments, func(d authz.Deployment) string { return d.ID }, refused)
	return nil
}

// An indexed is all that is in an index: the numbers by which rows are known, and a column.
type indexed struct {
	numbers []int64
	values  []string
}

// join puts together what two indexes have of the same rows. What is not as it should be goes to odd.
func (s *scan) join(ids, parents indexed, odd func([]driver.Value)) error {
	defer func() { s.progress(Progress{deployments.name, s.rows}) }()
	of := make(map[int64]string, len(parents.numbers))
	for i, number := range parents.numbers {
		of[number] = parents.values[i]
	}
	s.Deployments = make([]authz.Deployment, 0, len(ids.numbers))
	for i, number := range ids.numbers {
		if d := (authz.Deployment{ID: ids.values[i], ServiceID: of[number]}); authz.ValidID(d.ID) && authz.ValidID(d.ServiceID) {
			s.Deployments = append(s.Deployments, d)
		} else {
			odd([]driver.Value{d.ID, d.ServiceID})
		}
		if err := s.count(deployments); err != nil {
			return err
		}
	}
	return nil
}

// indexed returns what is in an index of a column. It is not ok where there is none, where rows have no numbers, or where something is in it
// that is not plain text.
func (s *scan) indexed(column string) (x indexed, ok bool) {
	query := "SELECT json_group_array(rowid), json_group_array(" + column + ") FROM " + deployments.name
	ctx := context.WithoutCancel(s.ctx)
	err := s.conn.each(ctx, "EXPLAIN QUERY PLAN "+query, func(v []driver.Value) error {
		how, _ := v[len(v)-1].(string)
		ok = strings.Contains(how, "COVERING INDEX")
		return nil
	})
	if err != nil || !ok {
		return x, false
	}
	ok = false
	err = s.conn.each(ctx, query, func(v []driver.Value) error {
		numbers, _ := v[0].(string)
		values, _ := v[1].(string)
		ok = x.parse(numbers, values)
		return nil
	})
	return x, err == nil && ok
}

// parse reads two arrays of JSON, one of whole numbers and one of texts. Whatever else may be in them it does not: that is read from the
// rows.
func (x *indexed) parse(numbers, values string) bool {
	if numbers == "[]" && values == "[]" {
		return true
	}
	if len(values) < len(`[""]`) || values[:2] != `["` || values[len(values)-2:] != `"]` || strings.Contains(values, `\`) {
		return false
	}
	x.values = strings.Split(values[2:len(values)-2], `","`)
	x.numbers = make([]int64, 0, len(x.values))
	for text := range strings.SplitSeq(strings.Trim(numbers, "[]"), ",") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return false
		}
		x.numbers = append(x.numbers, n)
	}
	for _, v := range x.values {
		if strings.Contains(v, `"`) { // there was something between two texts
			return false
		}
	}
	return len(x.numbers) == len(x.values)
}
