/* A tagged union of shapes, as C libraries like to hand them over. */
#ifndef SHAPE_H
#define SHAPE_H

typedef struct { double x, y; } point;

enum shape_kind { SHAPE_CIRCLE = 1, SHAPE_BOX, SHAPE_NOTHING = -1 };

typedef struct {
	enum shape_kind kind;
	point at;
	union {
		double radius;
		point size;
	} as;
} shape;

shape shape_circle(point centre, double radius);
shape shape_box(point corner, point size);
shape shape_moved(shape s, point by);
double shape_area(shape s);

#endif
