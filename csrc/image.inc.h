/* What `augment` draws for one row: the map that takes an image's pixels, the factors of its
 * colours, boxes, and shares of mixtures. All in double, whatever the type of the pixels, so
 * that float and double see the same draws. Included once by kernels.inc.h; augment.inc.h does
 * with the pixels what is drawn here. */

/* Pixels of an image's line whose places are worked out together, those of an end beyond it as
 * well: a multiple of any vector's width. */
enum { PIXELS = 16 };

/* Word i of a row's draw as a uniform in (0, 1), i < n <= 12. */
static CAVIAR_INLINE void uniforms(double *u, const philox_state *state, int64_t row, int n) {
    philox_bits bits;
    philox_fill(&bits, state, 0, (uint32_t)row, (n + 3) / 4);
    for (int i = 0; i < n; i++)
        u[i] = (bits.words[i] + 0.5) * 0x1p-32;
}

static CAVIAR_INLINE double between(double u, double low, double high) {
    return low + u * (high - low);
}

/* The factor exp(t), t uniform in [-size, size]: as often s as 1 / s. */
static CAVIAR_INLINE double factor_of(double u, double size) {
    return exp(between(u, -size, size));
}

/* The quantile at u of a distribution, between the entries of its table linearly. */
static CAVIAR_INLINE double quantile_of(const double *table, double u) {
    const double t = u * CAVIAR_SHARES;
    const int i = (int)t;
    return table[i] + (t - i) * (table[i + 1] - table[i]);
}

/* An image is (height, width, channels). It is flipped, then cropped, then put through an
 * affine map, then through a lens. So an output pixel at the offset v = (row, column) from the
 * centre is taken from where this leads to:
 *   v1 = v (1 + k |v|^2 / |corner|^2)       lens (Brown 1966, first radial coefficient)
 *   v2 = D^-1 S^-1 R^-1 (v1 - t)            affine map: diagonal, shear, rotation, translation
 *   v3 = side * v2 + centre of the window   crop
 *   v4 = v3, or with its column negated     flip
 * Rotations are counterclockwise on the screen, where rows run downwards. */
typedef struct image_map { /* v4 = offset + (1 + lens |v|^2) linear v */
    double linear[2][2], offset[2], lens;
} image_map;

enum image_draw {
    DRAW_FLIP,
    DRAW_CROP_SHARE,
    DRAW_CROP_ROW,
    DRAW_CROP_COLUMN,
    DRAW_ROTATION,
    DRAW_SHEAR,
    DRAW_SCALE,
    DRAW_STRETCH,
    DRAW_TRANSLATE_ROW,
    DRAW_TRANSLATE_COLUMN,
    DRAW_LENS,
    N_IMAGE_DRAWS,
};

/* Where the centre of a window of `side` times n pixels is, from that of n pixels between two
 * borders of `padding` zeros; whole pixels where the window is as large as the image. */
static CAVIAR_INLINE double window_centre(double u, double side, double padding, int64_t n) {
    if (side == 1)
        return floor(u * (2 * padding + 1)) - padding;
    return between(u, -1, 1) * (padding + 0.5 * (1 - side) * (double)n);
}

static CAVIAR_INLINE void draw_affine(image_map *map, const double *u,
                                      const caviar_augmentation *how) {
    const double angle = between(u[DRAW_ROTATION], -how->rotation, how->rotation);
    const double shear = tan(between(u[DRAW_SHEAR], -how->shear, how->shear));
    const double scale = factor_of(u[DRAW_SCALE], how->scale);
    const double stretch = factor_of(u[DRAW_STRETCH], how->stretch);
    const double shift[2] = {
        between(u[DRAW_TRANSLATE_ROW], -1, 1) * how->translate * (double)how->height,
        between(u[DRAW_TRANSLATE_COLUMN], -1, 1) * how->translate * (double)how->width,
    };
    const double c = cos(angle), s = sin(angle);
    const double row = 1 / (scale * stretch), column = stretch / scale;
    map->linear[0][0] = row * c;
    map->linear[0][1] = row * s;
    map->linear[1][0] = column * (-s - shear * c);
    map->linear[1][1] = column * (c - shear * s);
    for (int i = 0; i < 2; i++)
        map->offset[i] = -map->linear[i][0] * shift[0] - map->linear[i][1] * shift[1];
}

static void draw_map(image_map *map, const philox_state *state, int64_t row,
                     const caviar_augmentation *how) {
    double u[N_IMAGE_DRAWS];
    uniforms(u, state, row, N_IMAGE_DRAWS);
    draw_affine(map, u, how);
    const double share = between(u[DRAW_CROP_SHARE], how->crop_low, how->crop_high);
    const double side = sqrt(share);
    const double centre[2] = {
        window_centre(u[DRAW_CROP_ROW], side, how->padding, how->height),
        window_centre(u[DRAW_CROP_COLUMN], side, how->padding, how->width),
    };
    const double sign[2] = {1, u[DRAW_FLIP] < how->flip ? -1 : 1};
    for (int i = 0; i < 2; i++) {
        map->offset[i] = sign[i] * (side * map->offset[i] + centre[i]);
        for (int j = 0; j < 2; j++)
            map->linear[i][j] *= sign[i] * side;
    }
    const double y = 0.5 * (double)(how->height - 1), x = 0.5 * (double)(how->width - 1);
    const double corner = y * y + x * x;
    map->lens = corner > 0 ? between(u[DRAW_LENS], -how->lens, how->lens) / corner : 0;
}

static CAVIAR_INLINE int is_identity(const image_map *map) {
    return map->linear[0][0] == 1 && map->linear[0][1] == 0 && map->linear[1][0] == 0 &&
           map->linear[1][1] == 1 && map->offset[0] == 0 && map->offset[1] == 0 && map->lens == 0;
}

/* Rows [top, bottom) and columns [left, right) of an image. */
typedef struct image_box {
    int64_t top, bottom, left, right;
} image_box;

/* A box of that size round a pixel drawn from all; what is outside of the image is cut off. */
static CAVIAR_INLINE image_box draw_box(double u_row, double u_column, int64_t height,
                                        int64_t width, const caviar_augmentation *how) {
    const int64_t top = (int64_t)(u_row * (double)how->height) - height / 2;
    const int64_t left = (int64_t)(u_column * (double)how->width) - width / 2;
    return (image_box){
        top > 0 ? top : 0,
        top + height < how->height ? top + height : how->height,
        left > 0 ? left : 0,
        left + width < how->width ? left + width : how->width,
    };
}
